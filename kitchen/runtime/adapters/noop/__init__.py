"""Training and sampling without PyTorch: a model so small that numpy trains it exactly.

The model is one logit for each byte (a unigram model), so its losses are real, its gradients are
exact, and a run over it takes no time. It drives whole workflows in tests and dry rehearsals.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting

TRAINING = Adapter(
    port="training",
    name="noop",
    target="kitchen.runtime.adapters.noop.training:NoopTraining",
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
            "loss.cross_entropy",
            "loss.tempered_cross_entropy",
            "loss.importance_sampling",
            "loss.ppo",
            "loss.cispo",
            "loss.dro",
        }
    ),
    doc="Trains a unigram model of bytes, whatever model is named. For tests and rehearsals.",
)

SAMPLING = Adapter(
    port="sampling",
    name="noop",
    target="kitchen.runtime.adapters.noop.sampling:NoopSampling",
    capabilities=frozenset({"sample", "compute_logprobs"}),
    doc="Samples from the unigram model that `training: noop` trains.",
)

DATASETS = Adapter(
    port="datasets",
    name="noop",
    target="kitchen.runtime.adapters.noop.datasets:NoopDatasets",
    doc="Gives the same 32 built-in conversations for any source.",
)

METRICS = Adapter(
    port="metrics",
    name="noop",
    target="kitchen.runtime.adapters.noop.metrics:NoopMetrics",
    doc="Keeps metrics in memory, until the process ends.",
)

FEEDBACK = Adapter(
    port="feedback",
    name="noop",
    target="kitchen.runtime.adapters.noop.feedback:NoopFeedback",
    doc="Gives the same 32 built-in judgements, and keeps what is added until the process ends.",
)


class NoopLanguageConfig(Config):
    """What the language model that is none says."""

    reply: str = setting(default="", doc="said to everyone; none: their last message is given back")


LLM = Adapter(
    port="llm",
    name="noop",
    target="kitchen.runtime.adapters.noop.llm:NoopLanguageModel",
    config=NoopLanguageConfig,
    doc="Says the same to everyone. For tests and rehearsals.",
)
