"""Language models behind an HTTP server that speaks the OpenAI protocol of chat completions.

OpenAI's own, vLLM, llama.cpp, Ollama and many others do. This module declares the adapter and
imports nothing heavy.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting


class OpenAIConfig(Config):
    """Which server, which model, and where its key is found; the key itself is never written."""

    url: str = setting(pattern=r"^https?://[^\s?#]+$", doc="such as https://api.openai.com/v1")
    model: str
    api_key: dict[str, str] | None = setting(
        default=None, doc="`{env: NAME}`: the environment variable that holds it; none: no key"
    )
    timeout: float = setting(default=120.0, above=0, doc="seconds until a request is given up")
    concurrency: int = setting(default=4, minimum=1, doc="requests under way at a time")


LLM = Adapter(
    port="llm",
    name="openai",
    target="kitchen.runtime.adapters.openai.llm:OpenAILanguageModel",
    config=OpenAIConfig,
    doc="Asks a server that speaks the OpenAI protocol of chat completions.",
)
