"""Kitchen: a compiler for model-training workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kitchen.api import check, compile_recipe, explain, export, resume, run
    from kitchen.ir.diagnostic import CompileError, Diagnostic
    from kitchen.ir.program import Program
    from kitchen.ir.spec import Effect
    from kitchen.runtime.config import Config, setting
    from kitchen.runtime.stage import stage

__all__ = [
    "CompileError",
    "Config",
    "Diagnostic",
    "Effect",
    "Program",
    "check",
    "compile_recipe",
    "explain",
    "export",
    "resume",
    "run",
    "setting",
    "stage",
]

#: Where each public name lives; it is imported when it is first asked for.
_HOMES = {
    "CompileError": "kitchen.ir.diagnostic",
    "Config": "kitchen.runtime.config",
    "Diagnostic": "kitchen.ir.diagnostic",
    "Effect": "kitchen.ir.spec",
    "Program": "kitchen.ir.program",
    "check": "kitchen.api",
    "compile_recipe": "kitchen.api",
    "explain": "kitchen.api",
    "export": "kitchen.api",
    "resume": "kitchen.api",
    "run": "kitchen.api",
    "setting": "kitchen.runtime.config",
    "stage": "kitchen.runtime.stage",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
