"""Weights as transformers loads them: the whole model, or a PEFT adapter beside its base."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from kitchen.runtime.adapters.torch.session import Model, TorchSession
from kitchen.runtime.ports import AdapterError

if TYPE_CHECKING:
    from peft import PeftModel

TOLERANCE = 1e-3  #: largest difference of logits, relative to the largest logit


def save(session: TorchSession, folder: Path, *, merge: bool) -> str:
    """Write the weights; what was written is loaded again and has to answer as the session does."""
    folder.mkdir(parents=True, exist_ok=True)
    session.tokenizer.tokenizer.save_pretrained(folder)
    if session.peft is not None and not merge:
        _save_adapter(session.peft, folder)
        return "adapter"
    model = session.model if session.peft is None else _merged(session.peft)
    model.save_pretrained(folder)
    _require_equal(session, folder)
    return "full"


def digest(session: TorchSession) -> str:
    """SHA-256 of the model's weights, those that are not trained included."""
    found = hashlib.sha256()
    for name, tensor in session.model.named_parameters():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().contiguous().view(-1).view(torch.uint8).cpu().numpy())
    return found.hexdigest()


def _merged(peft: PeftModel) -> Model:
    """A copy with the adapter's product added to the weights; the session's own stay untouched."""
    return copy.deepcopy(peft).merge_and_unload(safe_merge=True)


def _save_adapter(peft: PeftModel, folder: Path) -> None:
    """As PEFT's own `save_pretrained` writes it, in an order that is the same in every process."""
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(peft, save_embedding_layers=False)
    save_file(
        {name: tensors[name].detach().contiguous() for name in sorted(tensors)},
        folder / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = {**peft.peft_config["default"].to_dict(), "inference_mode": True}
    text = json.dumps(config, indent=2, sort_keys=True, default=_plain)
    (folder / "adapter_config.json").write_text(text + "\n")


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else str(getattr(value, "value", value))


def _require_equal(session: TorchSession, folder: Path) -> None:
    """Compare the logits of a short probe."""
    from transformers import AutoModelForCausalLM

    written: Model = AutoModelForCausalLM.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, dtype="auto"
    )
    written = written.to(session.device).eval()
    ids = torch.arange(1, 17, device=session.device)[None] % session.vocabulary
    with session.computing(training=False):
        ours = session.model(input_ids=ids, use_cache=False).logits.float()
        theirs = written(input_ids=ids, use_cache=False).logits.float()
    difference = float((ours - theirs).abs().max() / ours.abs().max().clamp_min(1e-6))
    tolerance = TOLERANCE if session.device.type == "cpu" else 0.05
    if not difference <= tolerance:
        raise AdapterError(
            f"the saved weights answer otherwise than the session: {difference:.2g} off in logits",
            help="save with `merge: false`, or train without LoRA",
        )
