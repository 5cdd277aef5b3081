"""What every adapter of the `llm` port does; one behind HTTP is given a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.adapters.noop import LLM as NOOP
from kitchen.runtime.adapters.openai import LLM as OPENAI
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.ports.llm import CompletionParams, LanguageModel

PARAMS = CompletionParams(max_tokens=16, seed=3)
KEY = "sk-secret-of-the-test"


class Server(ThreadingHTTPServer):
    """Answers chat completions with the last message said back; what it says can be set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status, self.reply = 200, None
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Requests(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        said = {"choices": [{"message": {"content": body["messages"][-1]["content"]}}]}
        reply = json.dumps(said).encode() if self.server.reply is None else self.server.reply
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written of a request."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bind(server: Server, **settings: Any) -> LanguageModel:
    here = Workspace(Path(), Path())
    made: LanguageModel = OPENAI.bind({"url": server.url, "model": "m", **settings}, here)
    return made


@pytest.fixture(params=["noop", "openai"])
def model(request: pytest.FixtureRequest, server: Server) -> LanguageModel:
    if request.param == "openai":
        return bind(server)
    made: LanguageModel = NOOP.bind({}, Workspace(Path(), Path()))
    return made


def conversation(text: str) -> tuple[dict[str, str], ...]:
    return ({"role": "system", "content": "be brief"}, {"role": "user", "content": text})


def test_answers_come_in_order(model: LanguageModel) -> None:
    texts = [f"say {number}" for number in range(9)]
    assert model.complete([conversation(text) for text in texts], PARAMS).result() == texts


def test_the_same_question_has_the_same_answer(model: LanguageModel) -> None:
    first, second = (model.complete([conversation("hello")], PARAMS).result() for _ in range(2))
    assert first == second


def test_no_question_has_no_answer(model: LanguageModel) -> None:
    assert model.complete([], PARAMS).result() == []


def test_an_empty_answer_is_a_failure(model: LanguageModel) -> None:
    pending = model.complete([conversation("hello"), conversation("  ")], PARAMS)
    with pytest.raises(AdapterError, match="no answer") as raised:
        pending.result()
    assert raised.value.help


def test_noop_says_what_it_is_told() -> None:
    model = NOOP.bind({"reply": "GRADE: 4"}, Workspace(Path(), Path()))
    assert model.complete([conversation("x")] * 2, PARAMS).result() == ["GRADE: 4"] * 2
    assert [call.asked["conversations"] for call in model.calls] == [2]


# ------------------------------------------------------------------------------------- openai


def test_a_request_says_what_was_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", f" {KEY}\n")
    bind(server, api_key={"env": "JUDGE_KEY"}).complete([conversation("hi")], PARAMS).result()
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["messages"] == [dict(message) for message in conversation("hi")]
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("m", 16, 0, 3)


def test_without_a_key_none_is_sent(server: Server) -> None:
    bind(server).complete([conversation("hi")], PARAMS).result()
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize("status", [401, 302, 404])
def test_a_refusal_is_told_without_the_key(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    server.status = status
    server.reply = json.dumps({"error": {"message": f"not with {KEY}"}}).encode()
    with pytest.raises(AdapterError) as raised:
        bind(server, api_key={"env": "JUDGE_KEY"}).complete([conversation("x")], PARAMS).result()
    assert f"answers {status}: not with ..." in str(raised.value)
    assert KEY not in str(raised.value)
    assert not raised.value.transient
    assert len(server.asked) == 1, "a redirect is not followed"


@pytest.mark.parametrize("status", [429, 503])
def test_what_may_pass_is_called_passing(server: Server, status: int) -> None:
    server.status, server.reply = status, b"busy"
    with pytest.raises(AdapterError, match=f"answers {status}$") as raised:
        bind(server).complete([conversation("x")], PARAMS).result()
    assert raised.value.transient


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"not json",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": " "}}]}',
    ],
)
def test_a_reply_without_an_answer_is_a_failure(server: Server, reply: bytes) -> None:
    server.reply = reply
    with pytest.raises(AdapterError, match="no answer"):
        bind(server).complete([conversation("x")], PARAMS).result()


def test_a_server_that_is_not_there_is_named() -> None:
    with Server() as server:
        url = server.url
    model = OPENAI.bind({"url": url, "model": "m"}, Workspace(Path(), Path()))
    with pytest.raises(AdapterError, match="does not answer") as raised:
        model.complete([conversation("x")], PARAMS).result()
    assert raised.value.transient


@pytest.mark.parametrize(
    ("api_key", "value", "message"),
    [
        ({"env": "JUDGE_KEY"}, None, "`JUDGE_KEY` is not set"),
        ({"env": "JUDGE_KEY"}, "two\nlines", "holds no key"),
        ({"text": KEY}, None, "says where the key is found"),
    ],
)
def test_a_key_is_a_reference(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    api_key: dict[str, str],
    value: str | None,
    message: str,
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("JUDGE_KEY", value)
    with pytest.raises(AdapterError, match=message) as raised:
        bind(server, api_key=api_key)
    assert KEY not in str(raised.value)


def test_a_key_does_not_travel_in_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    settings = {"url": "http://example.org/v1", "model": "m", "api_key": {"env": "JUDGE_KEY"}}
    with pytest.raises(AdapterError, match="plain text"):
        OPENAI.bind(settings, Workspace(Path(), Path()))
