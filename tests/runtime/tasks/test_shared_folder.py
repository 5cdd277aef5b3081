"""One folder for all tasks of a run: who comes first makes it, and nobody is in another's way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from kitchen.ir.program import Program
from kitchen.ir.serde.plan import plan_bytes, plan_to_json, read_plan
from kitchen.runtime import store
from kitchen.runtime.run_directory import RunError
from kitchen.runtime.tasks.shared_folder import join, plan_in
from tests.compiler.builders import program, stage, value
from tests.compiler.partition_cases import BUSY, CASES
from tests.compiler.random_programs import PAPER
from tests.compiler.test_partition import cut
from tests.runtime.faulty_disk import FaultySystem, Killed
from tests.runtime.tasks.toys import InProcess, plan_of


def file_of(program: Program) -> bytes:
    return plan_bytes(plan_to_json(program, cut(program), recipe=PAPER))


def test_tasks_that_come_at_once_find_one_folder(tmp_path: Path) -> None:
    data = file_of(CASES["guarded"]())
    plan = read_plan(data)
    for attempt in range(20):
        run = tmp_path / f"run-{attempt}"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n, run=run: join(run, plan, data, tmp_path, str(n)), range(8)))
        assert sorted(path.name for path in run.iterdir()) == [
            "plan.json",
            "recipe.yaml",
            "run.json",
        ]
        assert plan_in(run).checksum == plan.checksum


def test_a_folder_half_made_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made it may have died at any moment."""
    data = file_of(CASES["guarded"]())
    plan = read_plan(data)
    at, fired = 0, True
    while fired:
        at += 1
        run, system = tmp_path / f"run-{at}", FaultySystem(at=at, fault="kill")
        monkeypatch.setattr(store, "system", system.system())
        with suppress(Killed):
            join(run, plan, data, tmp_path, "one")
        fired = system.fired
        monkeypatch.setattr(store, "system", store.SystemCalls())
        join(run, plan, data, tmp_path, "one")
        assert plan_in(run).checksum == plan.checksum
    assert at > 10


def test_another_plan_is_refused(tmp_path: Path) -> None:
    first, second = file_of(CASES["guarded"]()), file_of(CASES["rounds"]())
    join(tmp_path / "run", read_plan(first), first, tmp_path, "one")
    with pytest.raises(RunError, match="holds a run of another plan"):
        join(tmp_path / "run", read_plan(second), second, tmp_path, "one")


def test_what_others_are_writing_is_left_alone(tmp_path: Path) -> None:
    """A task that begins tidies away what its own attempts left, and nothing else."""
    run = InProcess(plan_of(CASES["guarded"](), BUSY), tmp_path)
    instances = run.instances()
    found = instances.layout.by_name["judge"]
    own = instances._attempt(found, (), None).writer
    for folder in (tmp_path, tmp_path / "weights", tmp_path / "metrics"):
        folder.mkdir(exist_ok=True)
        (folder / f".tmp-mine-{own}-0").mkdir()
        (folder / ".tmp-theirs-ffff-0").mkdir()
        (folder / f".old-replaced-{own}-0").mkdir()
    assert run.run() == 0
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob(".*"))
    assert left == [
        ".tmp-theirs-ffff-0",
        "metrics/.tmp-theirs-ffff-0",
        "weights/.tmp-theirs-ffff-0",
    ]
    assert (tmp_path / "weights/replaced").is_dir(), "what it had been about to replace is back"


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300,
        "Ünï/cødé",
        "-rf",
        "--at",
        "{{x}}",
        "$(id)",
        "`id`",
        "a b",
        "a\nb",
        "'\"",
        "%s",
        "~",
    ],
)
def test_whatever_a_task_is_called(name: str, tmp_path: Path) -> None:
    made = program(
        stage("sense", value("x"), called=name),
        stage("add", value("y"), left=value("x"), right=value("x"), called=f"{name}/inner"),
        stage("report", value=value("y"), called=f"{name}/last"),
    )
    run = InProcess(plan_of(made, BUSY), tmp_path)
    assert run.run() == 0
    assert run.written == ["14"]
