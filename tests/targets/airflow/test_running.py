"""How a DAG runs `kitchen task`: what it is given, what its exit codes mean, how it is stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.targets.airflow import fake
from tests.targets.airflow.exports import Exports
from tests.targets.cases import RECIPES

#: A `kitchen` that says what it was given, and ends as its task is called.
KITCHEN = """
import json, os, signal, sys, time
print("given", json.dumps(sys.argv[1:]))
print("secret" if os.environ.get("TOKEN") == "hunter2" else "no secret")
name, file = sys.argv[3], sys.argv[-1].partition("=")[2]
if name == "sleep":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    print("ready", flush=True)
    time.sleep(60)
code = int(name)
if code < 0:
    os.kill(os.getpid(), -code)
if code == 0:
    open(file, "w").write(json.dumps({"group": ["0", "1"]}))
sys.exit(code)
"""


@pytest.fixture
def namespace(exports: Exports, tmp_path: Path) -> dict[str, Any]:
    """What an exported file defines, with a `kitchen` of its own."""
    (tmp_path / "kitchen.py").write_text(KITCHEN)
    settings = {
        "kitchen": [sys.executable, str(tmp_path / "kitchen.py")],
        "runs": "/shared/runs",
        "env": {"MODE": "quiet"},
        "secrets": {"TOKEN": {"variable": "hub"}},
    }
    exports.recipe(RECIPES / "map.yaml", "map", {}, settings)
    path = exports.dags / "map" / "map.py"
    _, found = fake.read(path.read_text(), str(path))
    return found


def ran(namespace: dict[str, Any], name: str, *, number: int = 1, **given: Any) -> Any:
    """Run a task as a worker of Airflow's does."""
    params = {"run": given.pop("run", ""), "base": given.pop("base", "")}
    fake.CONTEXT.update(run_id="r1", params=params, ti=SimpleNamespace(try_number=number))
    return namespace["kitchen"].function(name, **given)


def test_what_a_task_is_given(namespace: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    told = ran(namespace, "0", at="2", below="1.0", tells=True, every=True, base="/data")
    assert told == {"group": ["0", "1"]}
    assert ran(namespace, "0", run="/elsewhere") is None
    first, secret, second, _ = capfd.readouterr().out.splitlines()
    plan = str(Path(namespace["__file__"]).parent / "plan.json")
    given = json.loads(first.removeprefix("given "))
    assert given[:-1] == ["task", plan, "0", "--run=/shared/runs/r1", "--at=2.1.0",
                          "--base=/data", "--every"]  # fmt: skip
    assert secret == "secret"
    assert json.loads(second.removeprefix("given "))[3:-1] == ["--run=/elsewhere"]


@pytest.mark.parametrize(
    ("code", "number", "attempts", "error"),
    [
        (99, 1, 1, fake.AirflowSkipException),
        (2, 1, 9, fake.AirflowFailException),
        (3, 1, 1, fake.AirflowFailException),
        (3, 1, 3, fake.AirflowException),
        (3, 3, 3, fake.AirflowFailException),
        (1, 1, 1, fake.AirflowFailException),
        (75, 8, 1, fake.AirflowException),
        (-9, 8, 1, fake.AirflowException),
        (137, 8, 1, fake.AirflowException),
    ],
)
def test_what_exit_codes_mean(
    code: int, number: int, attempts: int, error: type[Exception], namespace: dict[str, Any]
) -> None:
    with pytest.raises(fake.AirflowException) as caught:
        ran(namespace, str(code), number=number, attempts=attempts)
    assert caught.type is error


def test_who_stops_a_task_lets_it_save(
    namespace: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal that a worker is sent goes on to the process, and the task is tried again."""
    said: list[str] = []

    def heard(line: str, **_: Any) -> None:
        said.append(line)
        if line == "ready\n":
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()

    namespace["print"] = heard
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(fake.AirflowException, match="was stopped: exit 75") as caught:
        ran(namespace, "sleep")
    assert caught.type is fake.AirflowException
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_task_that_takes_too_long_is_ended(namespace: dict[str, Any]) -> None:
    """Airflow raises where the task waits: in the middle of a line, say."""
    processes: list[Any] = []
    original = namespace["subprocess"].Popen

    def popen(*args: Any, **kwargs: Any) -> Any:
        processes.append(original(*args, **kwargs))
        return processes[-1]

    def heard(line: str, **_: Any) -> None:
        if line == "ready\n":
            raise TimeoutError

    namespace["subprocess"] = SimpleNamespace(**vars(namespace["subprocess"]) | {"Popen": popen})
    namespace["print"] = heard
    with pytest.raises(TimeoutError):
        ran(namespace, "sleep")
    assert [process.returncode for process in processes] == [75]


def test_places_are_none_where_nothing_decides(namespace: dict[str, Any]) -> None:
    places = namespace["places"].function
    assert places({"group": ["0"]}, "group") == ["0"]
    assert places(None, "group") == []
