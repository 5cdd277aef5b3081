"""What stops a run, as a diagnostic and an exit code."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

from kitchen.cli.application import BAD_INPUT, FAILED
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.expr import EvaluationError
from kitchen.ir.program import Op, Parameter
from kitchen.ir.walk import exprs
from kitchen.runtime.calls import StageError
from kitchen.runtime.environment import BindError
from kitchen.runtime.guards import StageTimeout
from kitchen.runtime.lock import LockHeld
from kitchen.runtime.manifest import StorageError
from kitchen.runtime.ports import AdapterError, DataError
from kitchen.runtime.run_directory import RunError
from kitchen.runtime.tasks.outcomes import TaskError

#: All that a run may end with and that is no fault of kitchen's own.
RUN_FAULTS = (StageError, BindError, RunError, LockHeld, StorageError, TaskError)
#: Causes whose message is written for the person at the terminal.
_SAID = (DataError, AdapterError, StorageError, RunError, StageTimeout, EvaluationError)


def failure_of(error: Exception, params: tuple[Parameter, ...] = ()) -> tuple[Diagnostic, int]:
    """The diagnostic for a fault of a run, and the exit code that goes with it.

    `params` are the program's: what the recipe gave the failed step is shown beside it.
    """
    match error:
        case StageError():
            return _stage_failure(error, params), FAILED
        case BindError():
            return _fault("K703", error, _help_of(error.cause)), BAD_INPUT
        case LockHeld():
            return _fault("K705", error, error.help), BAD_INPUT
        case RunError():
            return _fault("K704", error, error.help), BAD_INPUT
        case StorageError():
            return _fault("K706", error, error.help), FAILED
        case TaskError():
            return _fault(error.code, error, error.help), BAD_INPUT
    raise error


def _fault(code: str, error: Exception, help: str | None) -> Diagnostic:
    return Diagnostic(code, str(error), None, (), help or None)


def _stage_failure(error: StageError, params: tuple[Parameter, ...]) -> Diagnostic:
    op, cause = error.op, error.cause
    message = f"`{op.name}` failed: {_said(cause)}"
    help = _help_of(cause)
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    if not isinstance(cause, _SAID) and help is None:
        help = "`--traceback` shows where in the code that was"
    code = {DataError: "K702", StorageError: "K706"}.get(type(cause), "K701")
    at = None if op.span is None else Label(op.span, "; ".join(notes) or "this step")
    return Diagnostic(code, message, at, tuple(_given(op, params)), help)


def _given(op: Op, params: tuple[Parameter, ...]) -> Iterator[Label]:
    """Where the recipe or `--set` gave what the step was set to, if it did."""
    read = {expr.span.text for expr in exprs(op) if expr.span is not None}
    for param in params:
        if param.value.name in read and param.span is not None:
            yield Label(param.span, f"`{param.value.name}` is given here")


def _said(cause: BaseException) -> str:
    """What went wrong, in one line; a fault that says nothing is named by its class."""
    text = " ".join(str(cause).split())
    if isinstance(cause, DataError) and cause.uri is not None:
        place = cause.uri if cause.row is None else f"{cause.uri}:{cause.row}"
        return text if place in text else f"{place}: {text}"
    if isinstance(cause, _SAID) and text:
        return text
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


def _help_of(cause: BaseException) -> str | None:
    help = getattr(cause, "help", None)
    if isinstance(help, str) and help:
        return help
    if isinstance(cause, ModuleNotFoundError) or "is not installed" in str(cause):
        return "install it: `pip install 'kitchen[torch]'` has what training needs"
    return None


def wants_traceback(option: bool) -> bool:
    """Whether a developer asked to see where in the code a run failed."""
    return option or os.environ.get("KITCHEN_TRACEBACK") == "1"


def traceback_of(error: BaseException) -> str:
    """Where in the code an error came from, its causes first."""
    return "".join(traceback.format_exception(error))
