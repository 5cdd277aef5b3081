"""The parts of a DAG file that are the same in each: imports, and how a task is run.

No text of a user's is put into them; what differs is in constants above the functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: What is imported of each line of Airflow, as long as one of the names is used: name, where from.
_SDK = {
    "DAG": "airflow.sdk",
    "Param": "airflow.sdk",
    "Variable": "airflow.sdk",
    "get_current_context": "airflow.sdk",
    "task": "airflow.sdk",
    "EmptyOperator": "airflow.providers.standard.operators.empty",
}
_BEFORE = {
    "DAG": "airflow",
    "Param": "airflow.models.param",
    "Variable": "airflow.models",
    "get_current_context": "airflow.operators.python",
    "task": "airflow.decorators",
    "EmptyOperator": "airflow.operators.empty",
}
_DOUBLING = {"3": "DOUBLING = 2.0", "2": "DOUBLING = True"}


def imports(
    version: str | None, names: set[str], *, doubling: bool, others: Sequence[str] = ()
) -> str:
    """The imports of Airflow for one of its lines, or for whichever is there.

    `others` are imports that are the same for all.
    """
    new, old = [*_from(_SDK, names)], [*_from(_BEFORE, names)]
    if version == "2":
        lines = sorted([*old, f"from airflow.exceptions import {_ERRORS}", *others])
        return "\n".join([*lines, *_doubling("2", doubling)]) + "\n"
    if version == "3":
        lines = new
    else:
        lines = ["", "try:  # Airflow 3", *_deeper([*new, *_doubling("3", doubling)])]
        lines += ["except ImportError:  # Airflow 2.9 to 2.11"]
        lines += _deeper([*old, *_doubling("2", doubling)])
    lines += ["", "try:  # Airflow 3.2", f"    from airflow.sdk.exceptions import {_ERRORS}"]
    lines += ["except ImportError:", f"    from airflow.exceptions import {_ERRORS}"]
    lines += ["", *others] if others else []
    lines += _doubling("3", doubling and version == "3")
    return "\n".join(lines) + "\n"


def _doubling(version: str, wanted: bool) -> list[str]:
    return ["", _DOUBLING[version]] if wanted else []


def _from(homes: dict[str, str], names: set[str]) -> Iterator[str]:
    by_home: dict[str, list[str]] = {}
    for name in sorted(names & homes.keys(), key=str):
        by_home.setdefault(homes[name], []).append(name)
    for home in sorted(by_home):
        yield f"from {home} import {', '.join(_sorted(by_home[home]))}"


def _sorted(names: list[str]) -> list[str]:
    """Constants, classes, functions: the order of `isort`."""
    return sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))


def _deeper(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"    {line}".rstrip()


_ERRORS = "AirflowException, AirflowFailException, AirflowSkipException"


def standard(*, environment: tuple[str, ...]) -> str:
    """What is imported of Python."""
    return f"""\
import json
{"import os" + chr(10) if environment else ""}import signal
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import pendulum
"""


PLACES = '''

@task(trigger_rule="none_failed")
def places(decisions, group):
    """Where the tasks of a map run: nowhere, if what decides it was not to be run."""
    return decisions[group] if decisions else []
'''

#: A task in the worker: `kitchen task` as a process of its own.
RUNNING = '''

@task(trigger_rule="none_failed")
def kitchen(name, at="", below="", attempts=1, tells=False, every=False):
    """Run one task of the plan at a place, or ask what a group of tasks goes by.

    A place is the index of each map and loop around a task, joined by dots. The exit codes of
    `kitchen task`: 0 done, 2 bad input, 3 a step failed, 75 stopped and to be resumed, 99 not to
    be run.
    """
    context = get_current_context()
    params, place = context["params"], ".".join(filter(None, [at, below]))
    run = params["run"] or f"{RUNS}/{context['run_id']}"
    command = [*KITCHEN, "task", str(PLAN), name, f"--run={run}"]
    command += [f"--at={place}"] if place else []
    command += [f"--base={params['base']}"] if params["base"] else []
    command += ["--every"] if every else []
    with tempfile.TemporaryDirectory() as folder:
        decisions = Path(folder, "decisions.json")
        code = finished([*command, f"--decisions-json={decisions}"])
        if code == 0:
            return json.loads(decisions.read_text()) if tells else None
    if code == 99:
        raise AirflowSkipException(f"{name} is not to be run")
    stopped = code == 75 or code < 0 or code > 128
    if code == 2 or not stopped and context["ti"].try_number >= attempts:
        raise AirflowFailException(f"{name} failed: exit {code}")
    raise AirflowException(f"{name} {'was stopped' if stopped else 'failed'}: exit {code}")


def finished(command):
    """The exit code of a command whose output goes to the log. Who stops it, lets it save."""
    with subprocess.Popen(
        command,
        env=ENVIRONMENT_HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    process.kill()
            signal.signal(signal.SIGTERM, before)
'''


def running(*, environment: tuple[str, ...]) -> str:
    """How a task is run, with what is put into its environment."""
    if not environment:
        return RUNNING.replace("        env=ENVIRONMENT_HERE,\n", "")
    whole = "{" + ", ".join(("**os.environ", *environment)) + "}"
    text = RUNNING.replace("ENVIRONMENT_HERE", whole)
    return text + (SECRETS if "**secrets()" in environment else "")


SECRETS = '''

def secrets():
    """The secrets by the names that they have in the environment of a task."""
    return {name: Variable.get(variable) for name, variable in SECRETS.items()}
'''
