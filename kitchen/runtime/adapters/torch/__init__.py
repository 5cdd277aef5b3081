"""Training and sampling on this machine with PyTorch, transformers and PEFT.

This module declares the adapters and imports nothing heavy; what they do is in the modules beside
it, which are imported when a run binds them.
"""

from __future__ import annotations

import os
from typing import Literal

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting

# Every import of torch in kitchen comes through this package, so this is read before OpenMP loads.
# Its default lets idle threads spin, which on a busy machine costs most of the speed.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

LOSSES = (
    "cross_entropy",
    "tempered_cross_entropy",
    "importance_sampling",
    "ppo",
    "cispo",
    "dro",
)


class TorchConfig(Config):
    """Where to compute. On `cuda` the model computes in bfloat16, on `cpu` in float32."""

    device: Literal["auto", "cpu", "cuda"] = setting(
        default="auto", doc="`auto` takes the GPU where there is one"
    )
    threads: int = setting(default=0, minimum=0, doc="CPU threads; 0 leaves it to PyTorch")


TRAINING = Adapter(
    port="training",
    name="torch",
    target="kitchen.runtime.adapters.torch.training:TorchTraining",
    config=TorchConfig,
    capabilities=frozenset(
        {
            "forward",
            "forward_backward",
            "forward_backward_custom",
            "lora",
            "optim_step",
            "save_state",
            "save_weights",
            "topk_logprobs",
            *(f"loss.{name}" for name in LOSSES),
        }
    ),
    doc="Trains transformers models on this machine, all weights or LoRA.",
)

SAMPLING = Adapter(
    port="sampling",
    name="torch",
    target="kitchen.runtime.adapters.torch.sampling:TorchSampling",
    capabilities=frozenset({"sample", "compute_logprobs"}),
    doc="Samples from a session's current weights, in place.",
)
