"""The `llm` port over HTTP, with the standard library's client.

That client follows no redirect, so a key goes to the host that the recipe names and to no other.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from kitchen.runtime.adapters.openai import OpenAIConfig
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.ports.llm import CompletionParams, Conversation

LARGEST_REPLY = 16 << 20  #: bytes
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})  #: the same request may succeed later


class OpenAILanguageModel:
    """Asks a server for chat completions."""

    def __init__(self, config: OpenAIConfig, workspace: Workspace) -> None:
        del workspace
        self.config, self.url = config, urlsplit(config.url.rstrip("/"))
        self._key = _secret(config.api_key)
        if self._key and self.url.scheme != "https" and not _is_local(self.url.hostname or ""):
            raise AdapterError(
                f"a key would go to `{self.url.hostname}` in plain text",
                help="give a `url` that begins with https://",
            )

    def complete(
        self, conversations: Sequence[Conversation], params: CompletionParams
    ) -> Future[list[str]]:
        def work() -> list[str]:
            with ThreadPoolExecutor(self.config.concurrency) as pool:
                return list(pool.map(lambda one: self._answer(one, params), conversations))

        return resolved(work)

    def _answer(self, conversation: Conversation, params: CompletionParams) -> str:
        asked = {
            "model": self.config.model,
            "messages": [dict(message) for message in conversation],
            "max_tokens": params.max_tokens,
            "temperature": params.temperature,
            "seed": params.seed,
        }
        return _content(self._post("/chat/completions", asked))

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        kind = http.client.HTTPSConnection
        if self.url.scheme == "http":
            kind = http.client.HTTPConnection  # type: ignore[assignment]
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection = kind(self.url.hostname or "", self.url.port, timeout=self.config.timeout)
        try:
            connection.request("POST", self.url.path + path, json.dumps(body).encode(), headers)
            response = connection.getresponse()
            status, reply = response.status, response.read(LARGEST_REPLY + 1)
        except (OSError, http.client.HTTPException) as cause:
            raise AdapterError(
                f"`{self.config.url}` does not answer: {cause or type(cause).__name__}",
                help="see that the server runs and that `url` is its address",
                transient=True,
            ) from cause
        finally:
            connection.close()
        return _read(self.config.url, status, reply, self._key)


def _secret(reference: Mapping[str, str] | None) -> str | None:
    """What a reference stands for: `{env: NAME}` is an environment variable."""
    if reference is None:
        return None
    if set(reference) != {"env"}:
        raise AdapterError(
            "`api_key` says where the key is found", help="write `api_key: {env: NAME}`"
        )
    found = os.environ.get(reference["env"], "").strip()
    if not found:
        raise AdapterError(
            f"the environment variable `{reference['env']}` is not set",
            help="`api_key` names it as the place of the key: export it before the run",
        )
    if not (found.isascii() and found.isprintable()):
        raise AdapterError(
            f"the environment variable `{reference['env']}` holds no key: not all of it is "
            "printable ASCII",
            help="export the key alone, on one line",
        )
    return found


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(url: str, status: int, reply: bytes, key: str | None) -> Any:
    if len(reply) > LARGEST_REPLY:
        raise AdapterError(f"`{url}` answers with more than {LARGEST_REPLY >> 20} MiB")
    try:
        content = json.loads(reply)
    except ValueError:
        content = None
    if status != 200:
        told = _told(content)
        raise AdapterError(
            f"`{url}` answers {status}{told.replace(key, '...') if key else told}",
            help="look at `url`, `model` and `api_key`",
            transient=status in BUSY,
        )
    return content


def _told(content: Any) -> str:
    """What a server says of a request that it refuses."""
    match content:
        case {"error": {"message": str(message)}} | {"message": str(message)}:
            return f": {message[:300]}"
    return ""


def _content(reply: Any) -> str:
    match reply:
        case {"choices": [{"message": {"content": str(content)}}, *_]} if content.strip():
            return content
    raise AdapterError(
        "the model gave no answer",
        help="raise `max_tokens`, or ask a model that answers in `message.content`",
    )
