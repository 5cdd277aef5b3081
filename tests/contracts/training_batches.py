"""Batches for the training and sampling contracts: random tokens, columns for every loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kitchen.runtime.values import Batch, Tokenizer


def texts() -> list[str]:
    """Sentences enough for a preset to train a tokenizer on."""
    return [
        f"the cook number {n} peels {n * 7 % 13} carrots and sings, every day." for n in range(80)
    ]


def random_batch(
    tokenizer: Tokenizer,
    lengths: Sequence[int] = (7, 19, 3, 12),
    *,
    seed: int = 0,
    trained: float = 0.6,
) -> Batch:
    """Sequences of random tokens, a share of which carries weight; the weights sum to 1."""
    generator = np.random.default_rng(seed)
    total = sum(lengths)
    tokens, targets = generator.integers(0, min(tokenizer.vocab_size, 200), (2, total))
    carries = generator.random(total) < trained
    weights = np.where(carries, generator.random(total) + 0.5, 0).astype(np.float32)
    weights /= max(weights.sum(), 1e-9)
    return Batch(
        index=seed,
        tokens=tokens.astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        columns={"targets": targets.astype(np.int32), "weights": weights},
        sequences=len(lengths),
        trained=int(carries.sum()),
    )


def with_columns(batch: Batch, **columns: np.ndarray | None) -> Batch:
    """The batch with columns changed, added, or taken away (None)."""
    changed = {**batch.columns, **columns}
    return Batch(
        index=batch.index,
        tokens=batch.tokens,
        offsets=batch.offsets,
        columns={name: column for name, column in changed.items() if column is not None},
        sequences=batch.sequences,
        trained=batch.trained,
    )


def sampled_columns(batch: Batch, *, seed: int = 1) -> Batch:
    """The batch with log-probabilities of a sampler and advantages, for the policy losses."""
    generator = np.random.default_rng(seed)
    size = batch.tokens.size
    return with_columns(
        batch,
        logprobs=(-generator.random(size) * 3 - 4).astype(np.float32),
        advantages=generator.normal(size=size).astype(np.float32),
    )


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """The first sequences and the rest."""
    middle = batch.sequences // 2
    cut = int(batch.offsets[middle])
    parts = []
    for span, bounds in (
        (slice(0, cut), batch.offsets[: middle + 1]),
        (slice(cut, None), batch.offsets[middle:]),
    ):
        columns = {name: column[span] for name, column in batch.columns.items()}
        trained = int((columns["weights"] > 0).sum())
        sequences = len(bounds) - 1
        parts.append(
            Batch(batch.index, batch.tokens[span], bounds - bounds[0], columns, sequences, trained)
        )
    return parts[0], parts[1]
