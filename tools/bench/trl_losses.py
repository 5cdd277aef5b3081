"""TRL's losses, called as its trainers call them, with log-probabilities in place of a model."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

ALONE = SimpleNamespace(
    num_processes=1,
    device="cpu",
    gather=lambda x: x,
    gather_for_metrics=lambda x: x,
    reduce=lambda x, reduction: x,
    sync_gradients=True,
)


def trainer(kind: type, **settings: Any) -> Any:
    """A trainer with what its loss looks at, and no model, data or optimizer."""
    made: Any = object.__new__(kind)
    plain = {
        "accelerator": ALONE,
        "model": SimpleNamespace(training=True),
        "aux_loss_enabled": False,
        "_metrics": {"train": defaultdict(list)},
    }
    for name, value in {**plain, **settings}.items():
        setattr(made, name, value)
    return made


def dpo(loss: str, beta: float, logps: Tensor, mask: Tensor, reference: Tensor) -> Tensor:
    """DPOTrainer's loss; logps and mask (2, pairs, T), chosen first; reference (2, pairs)."""
    from trl import DPOTrainer

    made = trainer(
        DPOTrainer,
        beta=beta,
        loss_types=[loss],
        loss_weights=[1.0],
        f_divergence_type="reverse_kl",
        ld_alpha=None,
        precompute_ref_logps=True,
        use_weighting=False,
        _total_train_tokens=0,
        _tp_size=1,
    )
    logps, mask = logps.flatten(0, 1) * mask.flatten(0, 1), mask.flatten(0, 1).long()
    aside = torch.zeros_like(logps)
    told = SimpleNamespace(log_probs=logps, entropy=aside, mean_logits=aside, is_top1=aside > 1)
    completion = torch.cat([torch.zeros_like(mask[:, :1]), mask], 1)  # the first is never a target
    inputs = {
        "input_ids": torch.zeros_like(completion),
        "attention_mask": torch.ones_like(completion),
        "completion_mask": completion,
        "ref_chosen_logps": reference[0],
        "ref_rejected_logps": reference[1],
    }
    found: Tensor = made._compute_loss(lambda **_: told, inputs, False)
    return found


def cpo(loss: str, beta: float, smoothing: float, gamma: float, scores: Tensor) -> Tensor:
    """CPOTrainer's loss of scores (2, pairs), chosen first: sums, means, or what is compared."""
    from trl.experimental.cpo import CPOTrainer

    made = trainer(
        CPOTrainer,
        beta=beta,
        loss_type=loss,
        label_smoothing=smoothing,
        simpo_gamma=gamma,
        alpha=0.0,
    )
    found: Tensor = made.cpo_loss(scores[0], scores[1])[0].mean()
    return found


def orpo(beta: float, means: Tensor) -> Tensor:
    """ORPOTrainer's odds ratio of means (2, pairs), and the chosen answers' own loss beside it.

    The trainer's own loss of the chosen counts their prompts; here they are the answers alone.
    """
    from trl.experimental.orpo import ORPOTrainer

    made = trainer(ORPOTrainer, beta=beta)
    with patch.object(torch.Tensor, "float", lambda x: x):  # it would go on in float32
        ratio: Tensor = made.odds_ratio_loss(means[0], means[1])[0]
    return -means[0].mean() - ratio.mean()


def grpo(
    loss: str,
    epsilon: tuple[float, float],
    logps: Tensor,
    mask: Tensor,
    old: Tensor,
    advantages: Tensor,
    most: int,
) -> Tensor:
    """GRPOTrainer's loss; logps, mask and old (episodes, T), advantages (episodes,)."""
    from trl import GRPOTrainer

    made = trainer(
        GRPOTrainer,
        loss_type=loss,
        epsilon_low=epsilon[0],
        epsilon_high=epsilon[1],
        beta=0.0,
        importance_sampling_level="token",
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        use_vllm=False,
        max_completion_length=most,
        current_gradient_accumulation_steps=1,
        _entropy_bonus_enabled=False,
        args=SimpleNamespace(delta=None, steps_per_generation=1),
        _get_per_token_logps_and_entropies=lambda *_, **__: (logps, torch.zeros_like(logps), None),
    )
    ids = torch.zeros_like(mask, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1],
        "prompt_mask": ids[:, :1],
        "completion_ids": ids,
        "completion_mask": mask,
        "old_per_token_logps": old,
        "advantages": advantages,
        "num_items_in_batch": mask.sum(),
    }
    found: Tensor = made._compute_loss(None, inputs)
    return found
