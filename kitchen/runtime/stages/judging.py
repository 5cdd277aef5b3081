"""A stage that lets a reward model judge what a policy sampled."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import setting
from kitchen.runtime.ports import TrainingClient
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.rewards import VerdictConfig
from kitchen.runtime.trajectories import Trajectories
from kitchen.runtime.values import Session, Tokenizer


class JudgeTrajectoriesConfig(VerdictConfig):
    batch_size: int = setting(default=64, minimum=1, doc="episodes in one pass")


@stage(effect=Effect.READS)
def judge_trajectories(
    session: Session,
    trajectories: Trajectories,
    tokenizer: Tokenizer,
    *,
    config: JudgeTrajectoriesConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> Trajectories:
    """The same episodes, with the rewards of a reward model in place of the environment's.

    The session reads the very tokens that were sampled, so its tokenizer is the policy's.
    """
    from kitchen.runtime.scoring import score_tokens
    from kitchen.runtime.verdicts import judged_sequences, rewards_of, verdict_id

    verdict = verdict_id(tokenizer, config.verdict)
    tokens = judged_sequences(trajectories.tokens, trajectories.offsets, verdict)
    scores = score_tokens(session, tokens, training, config.batch_size)
    return replace(trajectories, rewards=rewards_of(scores.sequences))
