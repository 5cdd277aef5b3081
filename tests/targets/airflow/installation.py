"""A real Airflow in an environment of its own, without a network: `make airflow` installs it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.architecture import ROOT
from tests.targets.cases import SITE

INSIDE = Path(__file__).with_name("inside.py")
MARK = "what airflow says: "


@dataclass(frozen=True)
class Airflow:
    """An installed Airflow with a home of its own; `dags` is where it looks for DAGs."""

    python: Path
    home: Path
    dags: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the processes of Airflow see: the stages of the tests, and `kitchen` as a word."""
        kept = {name: value for name, value in os.environ.items() if "AIRFLOW" not in name}
        return kept | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            # A machine may have other things to do, and Airflow's processes call each other.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(SITE),
            "HOME": str(self.home),
            **self.settings,
        }

    def migrate(self) -> Airflow:
        """Make the database."""
        self.command("db", "migrate")
        return self

    def twin(self, home: Path) -> Airflow:
        """Another home with a copy of the database."""
        shutil.copytree(self.home, home)
        return Airflow(self.python, home, self.dags, self.settings)

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [self.python, "-m", "airflow", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *words: str, log: Path) -> subprocess.Popen[bytes]:
        """A process of Airflow's that goes on until it is stopped."""
        with log.open("wb") as file:
            return subprocess.Popen(
                [self.python, "-m", "airflow", *words],
                env=self.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def inside(self, dags: Iterable[str] = ()) -> dict[str, Any]:
        """Read all DAGs, and run these, in one process; gives what it found."""
        done = subprocess.run(
            [self.python, "-P", INSIDE, self.dags, *dags],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-5000:]
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(MARK))
        found: dict[str, Any] = json.loads(line.removeprefix(MARK))
        return found


def installed(name: str) -> Path:
    """The Python of an environment that has Airflow."""
    python = ROOT / name / "bin" / "python"
    assert python.exists(), f"there is no `{name}`: `make airflow` installs it"
    return python


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> Iterator[int]:
    """The processes that one has started, and those that they have."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            yield child
            yield from descendants(child)
