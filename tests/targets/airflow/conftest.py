"""Airflow for the tests of this folder: made once, and a copy for whoever changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.airflow.exports import Exports
from tests.targets.airflow.installation import Airflow, installed


@pytest.fixture
def exports(pantry: None, tmp_path: Path) -> Exports:
    return Exports.under(tmp_path)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """The current Airflow, with a database."""
    home = tmp_path_factory.mktemp("airflow") / "home"
    home.mkdir()
    return Airflow(installed(".venv-airflow"), home, home / "dags").migrate()
