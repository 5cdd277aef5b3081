"""A session on disk: everything its future depends on, as safetensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.ports import AdapterError

SCHEMA = 1
TENSORS, FACTS = "state.safetensors", "state.json"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  #: what torch.optim.AdamW keeps of each parameter
WEIGHT, MOMENT, GRADIENT, RANDOM = "weight.", "moment.", "gradient.", "random."


def save(session: TorchSession, folder: Path) -> None:
    """Write trained weights, AdamW's state, gathered gradients and the stream of random numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_tensors(session), folder / TENSORS)
    facts = {
        "schema": SCHEMA,
        "step": session.step,
        "passes": session.passes,
        "options": asdict(session.options),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


def load(session: TorchSession, folder: Path, *, optimizer: bool) -> None:
    """Take a saved state's weights; with `optimizer` all the rest too, else AdamW starts afresh."""
    facts, tensors = _read(folder)
    _require_same_model(session, tensors, folder)
    generators = {
        key: tensors[RANDOM + key] for key in session.random.state if RANDOM + key in tensors
    }
    if optimizer and generators.keys() != session.random.state.keys():
        raise AdapterError(
            f"the state in `{folder}` was saved on another kind of device",
            help=f"go on where it was saved, or load its weights alone on {session.device.type}",
        )
    with torch.no_grad():
        for name, parameter in session.parameters.items():
            parameter.copy_(tensors[WEIGHT + name])
    session.renew_optimizer()
    if not optimizer:
        return
    for name, parameter in session.parameters.items():
        moments = {
            key: tensors[f"{MOMENT}{name}.{key}"].to(parameter.device)
            for key in MOMENTS
            if f"{MOMENT}{name}.{key}" in tensors
        }
        if moments:
            session.optimizer.state[parameter] = moments
        if (gradient := tensors.get(GRADIENT + name)) is not None:
            parameter.grad = gradient.to(parameter.device)
    # How a matrix product over many tokens is cut up among threads shows in its last bits.
    torch.set_num_threads(facts["threads"])
    session.random.state = generators
    session.step, session.passes = facts["step"], facts["passes"]


def _tensors(session: TorchSession) -> dict[str, torch.Tensor]:
    tensors = {RANDOM + key: state for key, state in session.random.state.items()}
    for name, parameter in session.parameters.items():
        tensors[WEIGHT + name] = parameter.detach()
        for key, moment in session.optimizer.state.get(parameter, {}).items():
            tensors[f"{MOMENT}{name}.{key}"] = moment
        if parameter.grad is not None:
            tensors[GRADIENT + name] = parameter.grad
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        tensors = load_file(folder / TENSORS)
    except (OSError, ValueError, SafetensorError) as cause:
        raise AdapterError(
            f"`{folder}` holds no state that can be read: {cause}",
            help="choose a state that `save_state` wrote, whole",
        ) from cause
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise AdapterError(
            f"the state in `{folder}` is of another form than {SCHEMA}",
            help="load it with the kitchen that wrote it",
        )
    return facts, tensors


def _require_same_model(
    session: TorchSession, tensors: Mapping[str, torch.Tensor], folder: Path
) -> None:
    saved = {
        name.removeprefix(WEIGHT): tensor.shape
        for name, tensor in tensors.items()
        if name.startswith(WEIGHT)
    }
    wanted = {name: parameter.shape for name, parameter in session.parameters.items()}
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name) != wanted.get(name):
            raise AdapterError(
                f"the state in `{folder}` is of another model: `{name}` differs",
                help="open the session with the model and the LoRA settings it was saved from",
            )
