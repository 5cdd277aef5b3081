"""The values that flow between stages, and the type each has in the IR.

A class says how its values travel by its base: `Record` as a parameter, `Artifact` by reference,
`Handle` never. Arrays are numpy; nothing here imports it, so that a compiler can read the types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Generic, Protocol, TypeVar

from kitchen.ir.frozen import frozen

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MUTABLE, CLOSING = "mutable", "closing"
Mut = Annotated[T, MUTABLE]  #: an input whose next version the stage gives back under its name
Closes = Annotated[T, CLOSING]  #: an input that the stage ends: nothing may read it after that


class Record:
    """A value made of scalars; it travels as a parameter."""


class Decision(Record):
    """A record that says why it is as it is: a run tells its reason when it is made."""

    reason: str


class Artifact:
    """A value that travels by reference."""


class Handle:
    """A value that lives in one process: a session, a sampler, a stream."""


@frozen
class Dataset(Artifact):
    """Rows in a store, by reference: where, which bytes (`digest`), how many.

    `keep` selects rows by a hash of their index: those whose hash falls in [low, high).
    """

    uri: str
    digest: str
    rows: int
    keep: tuple[float, float] | None = None
    seed: int = 0


@frozen(eq=False)
class Tokens(Artifact):
    """Tokenised sequences, stored flat: sequence i is `tokens[offsets[i]:offsets[i + 1]]`.

    tokens (T,) int32; weights (T,) float32, the loss weight of each token as a *target*; offsets
    (sequences + 1,) int64. `bytes` counts, in UTF-8, what people wrote of the trained text, for
    bits per byte: what a chat template adds is left out.
    Arrays may be memory-mapped.
    """

    digest: str
    tokens: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    sequences: int
    trained: int  #: tokens with a weight above zero
    truncated: int  #: sequences cut to the maximum length
    bytes: int
    dropped: int = 0  #: rows left out because no token of theirs is trained on


@frozen(eq=False)
class Batch(Artifact):
    """Sequences for one step, stored flat and already shifted: `targets[t]` follows `tokens[t]`.

    tokens (T,) int32; offsets (sequences + 1,) int64; columns hold arrays aligned with `tokens`:
    targets (T,) int32 or (T, K), weights float32 of the same shape, and what a loss needs beside
    them (logprobs, advantages: (T,) float32).
    """

    index: int  #: position in its stream, from 0
    tokens: np.ndarray
    offsets: np.ndarray
    columns: Mapping[str, np.ndarray]
    sequences: int
    trained: int  #: targets with a weight above zero


@frozen
class Losses(Record):
    """What a pass over a batch gave: the summed loss, and the sum of the weights behind it."""

    loss: float
    weight: float
    tokens: int
    metrics: Mapping[str, float] = field(default_factory=dict)


@frozen
class Update(Record):
    """What an optimizer step did: `step` counts from 1; `grad_norm` is taken before clipping."""

    step: int
    grad_norm: float
    learning_rate: float


@frozen
class Evaluation(Record):
    """Means over the trained tokens of a data set; bits per byte of the text behind them."""

    loss: float
    accuracy: float
    perplexity: float
    bits_per_byte: float
    tokens: int


@frozen
class Weights(Artifact):
    """Saved model weights: a folder that transformers loads, relative to the run's.

    `kind` is `full` or `adapter`.
    """

    uri: str
    digest: str
    kind: str


@frozen
class State(Artifact):
    """A session's saved state; `uri` is a folder, relative to the run's."""

    uri: str
    digest: str


@frozen
class Completions(Artifact):
    """Prompts and what a model answered: rows of {prompt, completion}."""

    rows: tuple[Mapping[str, str], ...]


class Session(Handle):
    """A model being trained, with its optimizer; adapters derive their own."""

    step: int  #: optimizer steps taken, in all


class Sampler(Handle):
    """Weights ready to be sampled from; adapters derive their own."""


class Tokenizer(Handle):
    """Text to token ids and back. Adapters derive their own.

    `chat_template` is the model's own template, or None: then plain role prefixes are used.
    """

    digest: str
    vocab_size: int
    eos_id: int
    bos_id: int | None
    pad_id: int
    chat_template: str | None

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token ids of each text, int32, with no special token added."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """The text of token ids; special tokens are in it only if asked for."""
        raise NotImplementedError

    def render_chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool
    ) -> str:
        """A conversation as the model's chat template writes it (sandboxed)."""
        raise NotImplementedError


class Stream(Handle, Generic[T]):
    """A description of a sequence: iterable again, and enterable at any index."""

    def __len__(self) -> int:
        raise NotImplementedError

    def iterate(self, start: int = 0) -> Iterator[T]:
        """The items from `start` on; the same ones whenever it is asked."""
        raise NotImplementedError


class Pending(Protocol[T_co]):
    """A result on its way: what `concurrent.futures.Future` gives."""

    def result(self, timeout: float | None = None) -> T_co: ...
