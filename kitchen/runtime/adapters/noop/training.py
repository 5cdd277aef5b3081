"""The `training` port over a unigram model of bytes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.noop.passes import custom_pass, one_pass, top_logprobs
from kitchen.runtime.adapters.noop.unigram import ByteTokenizer, Moments, UnigramSession
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import (
    AdamParams,
    AdapterError,
    CustomLoss,
    ForwardOutput,
    LossOptions,
    ModelOptions,
    OptimStepOutput,
    Workspace,
)
from kitchen.runtime.ports.training import TopLogprobs
from kitchen.runtime.values import Batch, Session, Tokenizer

STATE, WEIGHTS = "state.json", "unigram.json"


class Call(NamedTuple):
    """One call an adapter was given: the method, and what it was asked."""

    method: str
    asked: Mapping[str, Any]


class NoopTraining:
    """Trains unigram models of bytes; `calls` records what was asked, in order."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.calls: list[Call] = []

    def load_tokenizer(self, model: str, texts: Callable[[], Iterable[str]]) -> Tokenizer:
        self._record("load_tokenizer", model=model)
        return ByteTokenizer()

    def open_session(self, options: ModelOptions, tokenizer: Tokenizer) -> Session:
        self._record("open_session", **asdict(options))
        return UnigramSession(options)

    def forward(self, session: Session, batch: Batch, loss: LossOptions) -> Future[ForwardOutput]:
        self._record("forward", batch=batch.index, sequences=batch.sequences, loss=loss.name)
        return resolved(lambda: one_pass(_own(session), batch, loss, training=False))

    def topk_logprobs(self, session: Session, batch: Batch, k: int) -> Future[TopLogprobs]:
        self._record("topk_logprobs", batch=batch.index, sequences=batch.sequences, k=k)
        return resolved(lambda: top_logprobs(_own(session), batch, k))

    def forward_backward(
        self, session: Session, batch: Batch, loss: LossOptions
    ) -> Future[ForwardOutput]:
        self._record(
            "forward_backward", batch=batch.index, sequences=batch.sequences, loss=loss.name
        )
        return resolved(lambda: one_pass(_own(session), batch, loss, training=True))

    def forward_backward_custom(
        self, session: Session, batch: Batch, loss: CustomLoss
    ) -> Future[ForwardOutput]:
        self._record("forward_backward_custom", batch=batch.index, sequences=batch.sequences)
        return resolved(lambda: custom_pass(_own(session), batch, loss))

    def optim_step(self, session: Session, adam: AdamParams) -> Future[OptimStepOutput]:
        self._record("optim_step", **asdict(adam))
        return resolved(lambda: _optim_step(_own(session), adam))

    def save_state(self, session: Session, folder: Path) -> None:
        self._record("save_state", folder=folder.name)
        own = _own(session)
        state = {
            "logits": own.logits.tolist(),
            "frozen": own.frozen.tolist(),
            "first": own.moments.first.tolist(),
            "second": own.moments.second.tolist(),
            "steps": own.moments.steps,
            "gradient": own.gradient.tolist(),
            "step": own.step,
            "passes": own.passes,
        }
        _write(folder / STATE, state)

    def load_state(self, session: Session, folder: Path) -> None:
        self._record("load_state", folder=folder.name)
        self._load(_own(session), folder)

    def load_state_with_optimizer(self, session: Session, folder: Path) -> None:
        self._record("load_state_with_optimizer", folder=folder.name)
        own = _own(session)
        state = self._load(own, folder)
        first, second = np.array(state["first"]), np.array(state["second"])
        own.moments = Moments(first, second, state["steps"])
        own.gradient = np.array(state["gradient"])
        own.step, own.passes = state["step"], state["passes"]

    def save_weights(self, session: Session, folder: Path, *, merge: bool) -> str:
        """One JSON file: transformers knows no unigram model."""
        self._record("save_weights", folder=folder.name, merge=merge)
        own = _own(session)
        adapter = own.options.lora_rank > 0 and not merge
        logits = own.logits if adapter else own.frozen + own.logits
        _write(folder / WEIGHTS, {"logits": logits.tolist()})
        return "adapter" if adapter else "full"

    def weights_digest(self, session: Session) -> str:
        own = _own(session)
        return hashlib.sha256((own.frozen + own.logits).tobytes()).hexdigest()

    def close_session(self, session: Session) -> None:
        self._record("close_session")
        _own(session, closing=True).closed = True

    def _load(self, session: UnigramSession, folder: Path) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((folder / STATE).read_bytes())
            logits, frozen = np.array(state["logits"]), np.array(state["frozen"])
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise AdapterError(
                f"`{folder}` holds no state that can be read",
                help="choose a state that `save_state` wrote, whole",
            ) from cause
        if not np.array_equal(frozen, session.frozen):
            raise AdapterError(
                f"the state in `{folder}` is of another model",
                help="open the session with the model and the LoRA settings it was saved from",
            )
        session.renew_optimizer()
        session.logits = logits
        return state

    def _record(self, method: str, **asked: Any) -> None:
        self.calls.append(Call(method, asked))


def _own(session: Session, *, closing: bool = False) -> UnigramSession:
    if not isinstance(session, UnigramSession):
        raise AdapterError(
            f"the `noop` adapter cannot train a `{type(session).__name__}`",
            help="bind one adapter to `training` for the whole recipe",
        )
    if session.closed and not closing:
        raise AdapterError(
            "the session is closed", help="use it before `close_session`, or open another"
        )
    return session


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n")


def _optim_step(session: UnigramSession, adam: AdamParams) -> OptimStepOutput:
    if not session.passes:
        raise AdapterError(
            f"step {session.step + 1} has no gradients to apply",
            help="call `forward_backward` on a batch with trained tokens before `optim_step`",
        )
    norm = float(np.linalg.norm(session.gradient))
    if not math.isfinite(norm):
        raise AdapterError(
            f"the gradient of step {session.step + 1} is {norm}: no weight was changed",
            help="lower the learning rate, or look at the batches of this step",
        )
    session.apply(adam, norm)
    return OptimStepOutput(step=session.step, grad_norm=norm)
