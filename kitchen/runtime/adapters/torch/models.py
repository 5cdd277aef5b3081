"""Where a model comes from: a preset, a folder, this run, the hub, or an installed package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from kitchen.runtime.adapters.torch.presets import PRESETS
from kitchen.runtime.adapters.torch.session import Model, forked
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.ports import AdapterError, ModelOptions, Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

PACKAGE = "package:"


def locate(model: str, workspace: Workspace) -> str:
    """What transformers is asked for: a folder's path, or a hub id as it was written."""
    if model.startswith(PACKAGE):
        from kitchen.runtime.adapters.torch.gguf import converted

        return str(converted(model.removeprefix(PACKAGE), workspace))
    made = workspace.made_by_run(model)
    if made is not None and not made.is_dir():
        raise AdapterError(
            f"the run has not made a folder `{model}`",
            help="save the weights before a model is opened from them",
        )
    folder = (made or workspace.base / Path(model).expanduser()).resolve()
    if folder.is_dir():
        return str(folder)
    if model.startswith((".", "/", "~")):
        raise AdapterError(
            f"there is no folder `{model}`",
            help="give a folder with config.json and safetensors, relative to the recipe",
        )
    return model


def build_model(
    options: ModelOptions, tokenizer: FastTokenizer, device: torch.device, workspace: Workspace
) -> Model:
    """The model with its starting weights, on the device, the same whatever ran before."""
    from transformers import LlamaForCausalLM

    preset = PRESETS.get(options.model)
    with forked(options.seed, torch.device("cpu")):
        if preset:
            config = preset.config(tokenizer)
            _set_dropout(config, options)
            model: Model = LlamaForCausalLM(config)
        else:
            model = _load(options, device, workspace)
    rows = model.get_input_embeddings().weight.shape[0]
    if tokenizer.vocab_size > rows:
        raise AdapterError(
            f"the tokenizer has {tokenizer.vocab_size} tokens, and `{options.model}` knows {rows}",
            help="use the model's own tokenizer",
        )
    return model.to(device)


def _load(options: ModelOptions, device: torch.device, workspace: Workspace) -> Model:
    from transformers import AutoConfig, AutoModelForCausalLM

    path = locate(options.model, workspace)
    # Trained weights are float32; what LoRA leaves frozen is as precise as the arithmetic.
    frozen = options.lora_rank > 0 and device.type == "cuda"
    with named_failures(options.model):
        config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        _set_dropout(config, options)
        auto: Any = AutoModelForCausalLM
        loaded, found = auto.from_pretrained(
            path,
            config=config,
            dtype=torch.bfloat16 if frozen else torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    for name in sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"])):
        raise AdapterError(
            f"the weights of `{options.model}` do not fit its config.json: `{name}` is missing",
            help="take both from one place",
        )
    return loaded


#: What the configurations of causal language models call their dropout.
_DROPOUTS = ("attention_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "hidden_dropout")


def _set_dropout(config: PreTrainedConfig, options: ModelOptions) -> None:
    if options.dropout is None:
        return
    known = [name for name in _DROPOUTS if hasattr(config, name)]
    if not known:
        raise AdapterError(f"`{options.model}` has no dropout to set", help="leave `dropout` out")
    for name in known:
        setattr(config, name, options.dropout)


@contextmanager
def named_failures(model: str) -> Iterator[None]:
    """Say in words why transformers could not load something."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as cause:
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise AdapterError(
            f"model `{model}` could not be loaded: {reason}",
            help=(
                f"name a preset ({', '.join(PRESETS)}), a folder with config.json, tokenizer.json "
                "and safetensors, or a hub id that this machine can reach or has in its cache"
            ),
        ) from cause
