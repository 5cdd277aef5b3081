"""Running a compiled recipe in a folder of its own, and going on with what was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kitchen.compiler.compile import Compiled
from kitchen.ir.diagnostic import Diagnostic, demand
from kitchen.ir.program import Program, Stage
from kitchen.ir.source import Source
from kitchen.ir.walk import walk
from kitchen.loaded import Loaded, from_here, registry
from kitchen.runtime import plugins
from kitchen.runtime.environment import BindError, bound
from kitchen.runtime.events import Listener
from kitchen.runtime.leading import LEADING
from kitchen.runtime.ports import Workspace
from kitchen.runtime.probe import ProbeReport, probe
from kitchen.runtime.provenance import check_resume
from kitchen.runtime.run_directory import RunDirectory, RunError
from kitchen.runtime.runner import Runner, begin
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.store import remove_folder

RUNS = Path("runs")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that can begin or go on: its program, its folder, and where its recipe lies."""

    program: Program
    directory: RunDirectory
    base: Path
    resume: bool

    def run(
        self,
        listeners: tuple[Listener, ...],
        stop: StopRequest,
        report: Callable[[str], None],
    ) -> str:
        """Run it: gives `done` or `stopped`. A run that cannot begin leaves no folder behind."""
        runner = Runner(
            program=self.program,
            directory=self.directory,
            workspace=Workspace(base=self.base, cache=cache_folder(), run=self.directory.path),
            listeners=listeners,
            stop=stop,
            report=report,
        )
        try:
            return runner.run(resume=self.resume)
        except BindError:
            if not self.resume:
                remove_folder(self.directory.path)
            raise


def find_run(path: Path) -> RunDirectory:
    """The run in a folder. Raises RunError where there is none."""
    if not (path / "run.json").is_file():
        raise RunError(
            f"`{path}` holds no run", help="`kitchen runs` lists the runs under a folder"
        )
    return RunDirectory(path)


def prepare(loaded: Loaded, compiled: Compiled, run_dir: Path | None) -> Prepared:
    """Make the folder of a new run. Raises RunError where there is one of that name."""
    directory = begin(
        run_dir or next_folder(RUNS, compiled.program.name),
        recipe=loaded.path.resolve(),
        text=loaded.source.text,
        overrides=loaded.overrides,
        plan=loaded.plan(compiled),
    )
    return Prepared(compiled.program, directory, loaded.path.resolve().parent, resume=False)


def reopen(path: Path, report: Callable[[str], None]) -> Prepared:
    """Compile a run's recipe again, to go on with it. Raises RunError where the plan changed."""
    directory = find_run(path)
    record = directory.record()
    recipe = Path(str(record.get("path", "recipe.yaml")))
    given = record.get("overrides")
    try:
        text = (path / "recipe.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError) as cause:
        raise RunError(
            f"`{path / 'recipe.yaml'}` cannot be read",
            help="the folder of the run was damaged; begin a new run",
        ) from cause
    overrides = {str(name): str(value) for name, value in given.items()} if isinstance(
        given, dict
    ) else {}  # fmt: skip
    loaded = Loaded(recipe, Source(str(from_here(recipe)), text), overrides, registry())
    compiled = loaded.compiled()
    for difference in check_resume(directory, plan_digest=loaded.plan(compiled)["digest"]):
        report(difference)
    return Prepared(compiled.program, directory, recipe.parent, resume=True)


def look_at_data(
    loaded: Loaded, compiled: Compiled
) -> tuple[ProbeReport | None, tuple[Diagnostic, ...]]:
    """What training would see of the data. Raises BindError; CompileError if it is of no use."""
    program = compiled.program
    ports = _ports_before(program, "tokenize")
    bindings = tuple(binding for binding in program.bindings if binding.port in ports)
    workspace = Workspace(base=loaded.path.resolve().parent, cache=cache_folder())
    needed = replace(program, bindings=bindings)
    with bound(needed, plugins.adapters(), workspace) as bound_ports:
        report, diagnostics = probe(program, bound_ports)
    return report, demand(diagnostics)


def _ports_before(program: Program, stage: str) -> set[str]:
    """The ports of what leads to the first call of a stage, and of that stage."""
    functions = plugins.functions()
    ports: set[str] = set()
    for op in walk(program.body):
        if isinstance(op, Stage):
            if op.stage in LEADING or op.stage == stage:
                ports |= {use.port for use in functions[op.stage].spec.ports}
            if op.stage == stage:
                break
    return ports


def try_adapters(loaded: Loaded, compiled: Compiled) -> None:
    """Make each adapter once, in a folder that is thrown away. Raises BindError."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        base = loaded.path.resolve().parent
        workspace = Workspace(base=base, cache=cache_folder(), run=Path(folder))
        with bound(compiled.program, plugins.adapters(), workspace):
            pass


def next_folder(folder: Path, name: str) -> Path:
    """`NAME-N` with the number after the highest that is there."""
    taken = [
        int(number)
        for path in folder.glob("*")
        if (number := path.name.removeprefix(f"{name}-")) != path.name
        and number.isascii()
        and number.isdecimal()
    ]
    return folder / f"{name}-{max(taken, default=0) + 1}"


def cache_folder() -> Path:
    """Where what can be made again is kept: `KITCHEN_CACHE`, or the user's cache folder."""
    given = os.environ.get("KITCHEN_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kitchen"
