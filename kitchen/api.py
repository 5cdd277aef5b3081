"""What a Python program may call: the same as the commands, without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kitchen.ir.diagnostic import CompileError, Diagnostic
from kitchen.ir.source import Source
from kitchen.loaded import Loaded, registry

if TYPE_CHECKING:
    from kitchen.compiler.compile import Compiled
    from kitchen.runtime.events import Listener

Recipe = str | Path | Source


def compile_recipe(recipe: Recipe, *, overrides: Mapping[str, object] | None = None) -> Compiled:
    """The program of a recipe: the path of a file, or a source.

    Raises CompileError with everything that is wrong with it.
    """
    return _loaded(recipe, overrides or {}).compiled()


def check(
    recipe: Recipe, *, overrides: Mapping[str, object] | None = None
) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with a recipe, and every warning; empty where all is well."""
    try:
        return compile_recipe(recipe, overrides=overrides).diagnostics
    except CompileError as error:
        return error.diagnostics


def run(
    recipe: Recipe,
    *,
    run_dir: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    listeners: Iterable[Listener] = (),
    report: Callable[[str], None] = lambda message: None,
) -> Path:
    """Run a recipe on this machine, and give the folder of the run.

    Raises CompileError for a recipe, StageError for a step that failed. A run that was asked to
    stop by a signal returns too: `status.json` in its folder says so.
    """
    from kitchen.execution import prepare
    from kitchen.runtime.signals import StopRequest

    loaded = _loaded(recipe, overrides or {})
    prepared = prepare(loaded, loaded.compiled(), run_dir)
    prepared.run(tuple(listeners), StopRequest(), report)
    return prepared.directory.path


def resume(
    run_dir: Path,
    *,
    listeners: Iterable[Listener] = (),
    report: Callable[[str], None] = lambda message: None,
) -> Path:
    """Go on with a run from its last checkpoint. Raises RunError where its plan has changed."""
    from kitchen.execution import reopen
    from kitchen.runtime.signals import StopRequest

    prepared = reopen(run_dir, report)
    prepared.run(tuple(listeners), StopRequest(), report)
    return prepared.directory.path


def export(
    recipe: Recipe,
    to: str,
    folder: str | Path,
    *,
    overrides: Mapping[str, object] | None = None,
) -> tuple[Diagnostic, ...]:
    """Write a recipe out for an engine, `airflow` or `argo`, and give the warnings.

    The folder is new, empty, or an earlier export. Raises CompileError for a recipe or a folder
    that will not do, KeyError for an engine that is not known.
    """
    from kitchen.exporting import export_to

    return export_to(_loaded(recipe, overrides or {}), to, Path(folder)).export.diagnostics


def explain(code: str) -> str:
    """The page of a code such as `K202`: what it means, why it matters, what to do.

    Raises KeyError for what is no code.
    """
    from kitchen.compiler.codes import CODES

    page = CODES[code.upper()]
    parts = [f"{page.code} {page.title}", page.why, page.example, page.cure]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _loaded(recipe: Recipe, overrides: Mapping[str, object]) -> Loaded:
    from kitchen.compiler.frontend.reader import load

    given = {name: _written(value) for name, value in overrides.items()}
    if isinstance(recipe, Source):
        return Loaded(Path(recipe.name), recipe, given, registry())
    path = Path(recipe)
    source, diagnostics = load(path)
    if source is None:
        raise CompileError(diagnostics)
    return Loaded(path, source, given, registry())


def _written(value: object) -> str:
    """A value as `--set` takes it."""
    from kitchen.ir.infix import literal

    return value if isinstance(value, str) else literal(value)
