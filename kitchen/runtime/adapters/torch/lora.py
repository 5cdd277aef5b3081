"""Low-rank adapters (Hu et al. 2021, arXiv:2106.09685) through PEFT."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

from kitchen.runtime.adapters.torch.session import Model, forked
from kitchen.runtime.ports import AdapterError, ModelOptions

if TYPE_CHECKING:
    from peft import PeftModel


def attach(model: Model, options: ModelOptions) -> PeftModel:
    """Freeze a model and put an adapter of rank `lora_rank` beside its linear layers."""
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layer, stored transposed

    layers = {
        name.rpartition(".")[2]: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and module is not model.get_output_embeddings()
    }
    for target in options.lora_targets:
        if target not in layers:
            raise AdapterError(
                f"`{options.model}` has no linear layer `{target}`",
                help=f"it has {', '.join(sorted(layers))}",
            )
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=options.lora_rank,
        lora_alpha=options.lora_alpha,  # type: ignore[arg-type]  # any number will do
        lora_dropout=options.lora_dropout,
        target_modules=sorted(options.lora_targets or layers),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in layers.values()),
    )
    with forked(options.seed, torch.device("cpu")), warnings.catch_warnings():
        # PEFT 0.21 asks transformers 5 for a property by its older name.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        peft: PeftModel = get_peft_model(model, config)
    config.base_model_name_or_path = options.model  # as the recipe names it, not where it was found
    return peft
