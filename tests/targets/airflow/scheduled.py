"""A scheduler, an API server and a DAG processor of Airflow's, on the loopback alone."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.targets.airflow.installation import Airflow, descendants, free_port

LONG = 1_200.0  #: seconds that nothing takes, on any machine: then something hangs


@dataclass(frozen=True)
class Scheduled:
    """An Airflow at work."""

    airflow: Airflow
    logs: Path

    def trigger(self, dag_id: str, run_id: str) -> None:
        """Ask for a run, as soon as the DAG is known."""
        self.wait(lambda: self.asked("select 1 from dag where dag_id = ?", dag_id) is not None)
        self.airflow.command("dags", "trigger", dag_id, "--run-id", run_id)

    def ended(self, dag_id: str) -> str:
        """The state of a run that has ended."""
        states = ("success", "failed")
        self.wait(lambda: self.state(dag_id) in states)
        return str(self.state(dag_id))

    def state(self, dag_id: str) -> object:
        return self.asked("select state from dag_run where dag_id = ?", dag_id)

    def asked(self, query: str, *values: object) -> object:
        """The first column of the first row in the database of Airflow's."""
        uri = f"file:{self.airflow.home / 'airflow.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=60)) as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def wait(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + LONG
        while not is_so():
            assert time.monotonic() < end, self.said()
            time.sleep(0.3)

    def said(self) -> str:
        """The ends of the logs."""
        texts = [path.read_text(errors="replace")[-3000:] for path in sorted(self.logs.iterdir())]
        return "\n\n".join(texts)


@contextmanager
def scheduled(airflow: Airflow, logs: Path) -> Iterator[Scheduled]:
    """Three processes, each stopped by its own id; nothing of them is left."""
    port, logs = free_port(), logs
    logs.mkdir()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": "of no use elsewhere",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of no use elsewhere " * 4,
    }
    airflow = replace(airflow, settings={**airflow.settings, **settings})
    made = Scheduled(airflow, logs)
    commands = (
        ("api-server", "-H", "127.0.0.1"),
        ("scheduler", "--skip-serve-logs"),
        ("dag-processor",),
    )
    processes = [airflow.start(*words, log=logs / words[0]) for words in commands]
    try:
        made.wait(lambda: _is_healthy(f"{address}/api/v2/monitor/health"))
        yield made
    finally:
        _stop(processes)


def _is_healthy(address: str) -> bool:
    try:
        with urlopen(address, timeout=30) as answer:
            return b'"scheduler":{"status":"healthy"' in answer.read().replace(b" ", b"")
    except (URLError, ConnectionError, TimeoutError):
        return False


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes and whatever they began, each by its id."""
    started = [child for process in processes for child in descendants(process.pid)]
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    end = time.monotonic() + 60
    while any(map(_is_alive, started)) and time.monotonic() < end:
        time.sleep(0.2)
    left = [child for child in started if _is_alive(child)]
    for child in left:
        os.kill(child, signal.SIGKILL)
    assert not left, f"{len(left)} processes were left"


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
