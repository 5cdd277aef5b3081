"""One pass of a batch through the model: the log-probability of each target that carries weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from kitchen.runtime.adapters.torch.attention import NO_MASK, attend
from kitchen.runtime.adapters.torch.beginnings import shared_beginnings
from kitchen.runtime.adapters.torch.layout import Layout, lay_out
from kitchen.runtime.adapters.torch.llama import Llama, is_llama
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.ports import AdapterError
from kitchen.runtime.values import Batch

ALL_FROM = 0.9  #: share of places that carry weight from which leaving logits out saves nothing


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Log-probabilities of targets, and the columns beside them, row by row.

    logprobs (R,) or (R, K) with gradients; likeliest (R,) bool: no token was likelier. `tokens`
    are the batch's tokens that carry weight; `rows` says where they are among the R rows, or None
    where the rows are just those.
    """

    logprobs: torch.Tensor
    likeliest: torch.Tensor | None
    columns: Mapping[str, torch.Tensor]
    tokens: torch.Tensor
    rows: torch.Tensor | None

    def spread(self, size: int) -> torch.Tensor:
        """The log-probabilities in the batch's own order, 0 where there is no weight."""
        known = torch.where(self.columns["weights"] != 0, self.logprobs, 0)
        if self.rows is not None:
            known = known.index_select(0, self.rows)
        return known.new_zeros(size, *known.shape[1:]).index_copy(0, self.tokens, known)


def run(
    session: TorchSession, batch: Batch, *, likeliest: bool = False, temperature: float = 1.0
) -> Pass:
    """Log-probabilities of the batch's targets under the session's weights."""
    _require_sound(session, batch)
    device = session.device
    weights = batch.columns.get("weights")
    tokens = _carrying(batch).to(device)
    columns = {
        name: _column(array, device).index_select(0, tokens)
        for name, array in batch.columns.items()
    }
    if weights is None:
        columns["weights"] = torch.ones_like(columns["targets"], dtype=torch.float32)
    layout = _laid_out(session, batch)
    places = layout.places.index_select(0, tokens)
    everywhere = not layout.shared and places.numel() >= ALL_FROM * layout.width
    if everywhere:
        columns = {
            name: column.new_zeros(layout.width, *column.shape[1:]).index_copy(0, places, column)
            for name, column in columns.items()
        }
    logits = _logits(session, layout, None if everywhere else places)
    if temperature != 1.0:
        logits = logits / temperature
    targets = columns["targets"]
    return Pass(
        logprobs=_logprobs(logits, targets),
        likeliest=logits.argmax(1) == targets if likeliest and targets.ndim == 1 else None,
        columns=columns,
        tokens=tokens,
        rows=places if everywhere else None,
    )


def top(session: TorchSession, batch: Batch, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens (T, K) and their log-probabilities, 0 where there is no weight."""
    _require_sound(session, batch)
    if count > session.vocabulary:
        raise AdapterError(
            f"{count} tokens are asked for at each place, and the model knows {session.vocabulary}",
            help="ask for fewer",
        )
    tokens = _carrying(batch).to(session.device)
    layout = _laid_out(session, batch)
    logits = _logits(session, layout, layout.places.index_select(0, tokens))
    values, ids = logits.topk(count, 1)
    logprobs = values - logits.logsumexp(1, keepdim=True)
    size = (batch.tokens.size, count)
    return (
        ids.new_zeros(size).index_copy(0, tokens, ids),
        logprobs.new_zeros(size).index_copy(0, tokens, logprobs),
    )


def _laid_out(session: TorchSession, batch: Batch) -> Layout:
    """The batch as the model takes it; with dropout, each document has its own beginning."""
    if not session.isolates:
        return lay_out(batch, session.device, padded=True)
    alike = None if session.drops and session.model.training else shared_beginnings(batch)
    return lay_out(batch, session.device, beginnings=alike)


def _carrying(batch: Batch) -> torch.Tensor:
    """The indices of the tokens whose target carries weight."""
    weights = batch.columns.get("weights")
    carries = np.ones(batch.tokens.size, bool) if weights is None else weights != 0
    return torch.from_numpy(np.flatnonzero(carries if carries.ndim == 1 else carries.any(1)))


def _logits(session: TorchSession, layout: Layout, kept: torch.Tensor | None) -> torch.Tensor:
    """Logits (R, V) in float32, at the places that are kept (None: at all of them)."""
    if layout.dense and (kept is None or not session.isolates):
        (group,) = layout.groups
        grid = layout.ids.view(group.documents, group.longest)
        logits: torch.Tensor = session.model(input_ids=grid, use_cache=False).logits.flatten(0, 1)
        return (logits if kept is None else logits.index_select(0, kept)).float()
    if layout.shared and is_llama(session.model):
        return _llama_logits(session, layout, kept)
    logits = session.model(
        input_ids=layout.ids,
        position_ids=layout.positions,
        attention_mask=NO_MASK,
        layout=layout,
        use_cache=False,
        logits_to_keep=0 if kept is None else kept,
    ).logits[0]
    return logits.float()


def _llama_logits(session: TorchSession, layout: Layout, kept: torch.Tensor | None) -> torch.Tensor:
    """The same in fewer operations. The row is not one that the model would be given otherwise."""
    llama = Llama(session.model)

    def attention(
        index: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        apart = attend(query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1), layout)
        return apart.flatten(1)

    states = llama.read(layout.ids[0], llama.angles(layout.positions[0]), attention)
    return llama.logits(states if kept is None else states.index_select(0, kept))


def _logprobs(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    if targets.ndim == 1:
        return -cross_entropy(logits, targets, reduction="none")
    return logits.gather(1, targets) - logits.logsumexp(1, keepdim=True)


def _require_sound(session: TorchSession, batch: Batch) -> None:
    if batch.sequences == 0 or batch.tokens.size == 0:
        raise AdapterError("the batch is empty", help="give it at least one sequence")
    if "targets" not in batch.columns:
        raise AdapterError(
            "the batch has no column `targets`", help="give each token the one that follows it"
        )
    longest = int(np.diff(batch.offsets).max())
    if longest > session.context:
        raise AdapterError(
            f"a sequence has {longest} tokens, and the model sees {session.context}",
            help="set `max_length` to that, or to less",
        )
    highest = max(int(batch.tokens.max()), int(batch.columns["targets"].max(initial=0)))
    if highest >= session.vocabulary:
        raise AdapterError(
            f"the batch holds token id {highest}, and the model knows {session.vocabulary}",
            help="tokenise the data with this model's own tokenizer",
        )


def _column(array: np.ndarray, device: torch.device) -> torch.Tensor:
    whole = np.issubdtype(array.dtype, np.integer)
    return torch.from_numpy(np.ascontiguousarray(array, np.int64 if whole else np.float32)).to(
        device
    )
