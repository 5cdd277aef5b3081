"""A model whose logits are its parameters: what a loss does to logits can be read off it.

Each token of a batch is a row of its own, so the gradient of a row is that of one place.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.ports import ModelOptions
from kitchen.runtime.values import Batch


class Table(nn.Module):
    """A causal language model of one token of context, as far as the torch adapter looks."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows, dtype=torch.float32))
        self.config = SimpleNamespace(get_text_config=SimpleNamespace)

    def get_input_embeddings(self) -> Any:
        return SimpleNamespace(weight=self.rows)

    def forward(
        self, input_ids: torch.Tensor, logits_to_keep: torch.Tensor | int = 0, **_: Any
    ) -> SimpleNamespace:
        logits = self.rows[input_ids]
        if isinstance(logits_to_keep, torch.Tensor):
            logits = logits[:, logits_to_keep]
        return SimpleNamespace(logits=logits)


def table_session(rows: np.ndarray) -> TorchSession:
    """A session of the torch adapter over logits (V, V): row t is what follows token t."""
    model, nobody = Table(rows), cast(Any, None)
    return TorchSession(
        ModelOptions(model="table"), nobody, model, None, torch.device("cpu"), isolates=True
    )


def gradient_of(session: TorchSession) -> np.ndarray:
    """The gathered gradient of the logits, (V, V) float64."""
    found = session.parameters["rows"].grad
    assert found is not None
    return found.double().numpy()


def table_batch(lengths: list[int], columns: dict[str, np.ndarray]) -> Batch:
    """Sequences in which no token comes twice: token t of the batch has the id t."""
    count = sum(lengths)
    return Batch(
        index=0,
        tokens=np.arange(count, dtype=np.int32),
        offsets=np.append(0, np.cumsum(lengths)),
        columns=columns,
        sequences=len(lengths),
        trained=int((columns["weights"] > 0).sum()),
    )
