"""Stages that keep a session: its whole state to go on from, or its weights to be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError, TrainingClient, Workspace
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Mut, Session, State, Weights

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"  #: one folder's name


class SaveStateConfig(Config):
    name: str = setting(default="state", pattern=NAME)


@stage(effect=Effect.WRITES)
def save_state(
    session: Session,
    *,
    config: SaveStateConfig,
    training: Annotated[TrainingClient, Uses("save_state")],
    workspace: Workspace,
) -> State:
    """Keep a session's weights, optimizer and random state under the run's `states` folder."""
    from kitchen.runtime.store import commit_folder

    uri = f"states/{config.name}"
    manifest = commit_folder(
        _run_folder(workspace) / uri,
        lambda folder: training.save_state(session, folder),
        replace=True,
    )
    return State(uri=uri, digest=manifest.digest)


@stage(effect=Effect.READS)
def load_state(
    session: Mut[Session],
    state: State,
    *,
    training: Annotated[TrainingClient, Uses("save_state")],
    workspace: Workspace,
) -> None:
    """Give a session the weights of a kept state; its optimizer starts afresh."""
    training.load_state(session, _run_folder(workspace) / state.uri)


class SaveWeightsConfig(Config):
    name: str = setting(default="weights", pattern=NAME, doc="folder in the run's folder")
    merge: bool = setting(default=True, doc="LoRA: add the adapter to the weights it adapts")


@stage(effect=Effect.WRITES)
def save_weights(
    session: Session,
    *,
    config: SaveWeightsConfig,
    training: Annotated[TrainingClient, Uses("save_weights")],
    workspace: Workspace,
) -> Weights:
    """Write the model's weights into the run's folder, as transformers loads them."""
    from kitchen.runtime.store import commit_folder

    kinds: list[str] = []

    def write(folder: Path) -> None:
        kinds.append(training.save_weights(session, folder, merge=config.merge))

    manifest = commit_folder(_run_folder(workspace) / config.name, write, replace=True)
    return Weights(uri=config.name, digest=manifest.digest, kind=kinds[0])


def _run_folder(workspace: Workspace) -> Path:
    if workspace.run is None:
        raise DataError("nothing is being run, so there is no folder to write to", help="run it")
    return workspace.run
