"""The `llm` port without a model: it says the same to everyone, or what it was told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from kitchen.runtime.adapters.noop import NoopLanguageConfig
from kitchen.runtime.adapters.noop.training import Call
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.ports.llm import CompletionParams, Conversation


class NoopLanguageModel:
    """Gives `reply` to every conversation, or its last message back; `calls` records them."""

    def __init__(self, config: NoopLanguageConfig, workspace: Workspace) -> None:
        del workspace
        self.reply, self.calls = config.reply, list[Call]()

    def complete(
        self, conversations: Sequence[Conversation], params: CompletionParams
    ) -> Future[list[str]]:
        self.calls.append(Call("complete", {"conversations": len(conversations)}))
        return resolved(lambda: [self._answer(one) for one in conversations])

    def _answer(self, conversation: Conversation) -> str:
        if not conversation or not conversation[-1]["content"].strip():
            raise AdapterError("the model gave no answer", help="ask it something")
        return self.reply or conversation[-1]["content"]
