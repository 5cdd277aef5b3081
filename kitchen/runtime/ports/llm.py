"""The `llm` port: a language model that is asked in words, wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kitchen.ir.frozen import frozen

if TYPE_CHECKING:
    from concurrent.futures import Future

Conversation = Sequence[Mapping[str, str]]  #: messages, each with a `role` and a `content`


@frozen(kw_only=True)
class CompletionParams:
    """How to answer. Temperature 0 asks for the likeliest answer."""

    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0


class LanguageModel(Protocol):
    """Answers conversations."""

    def complete(
        self, conversations: Sequence[Conversation], params: CompletionParams
    ) -> Future[list[str]]:
        """The next message of each conversation, in order.

        A conversation that cannot be answered fails the call with AdapterError: no answer is
        ever made up, and none is empty.
        """
        ...
