"""The source of kitchen as data: its modules, what each imports, how large its functions are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the dotted module, its line, and whether importing the file performs it."""

    target: str
    line: int
    at_import: bool


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path

    def __str__(self) -> str:
        return self.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports(self.tree, at_import=True))

    def _imports(self, node: ast.AST, *, at_import: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Import(names=names):
                    for alias in names:
                        yield Import(alias.name, child.lineno, at_import)
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    yield Import(module, child.lineno, at_import)
                    if module.partition(".")[0] == "kitchen":  # `from package import module`
                        for alias in names:
                            yield Import(f"{module}.{alias.name}", child.lineno, at_import)
                case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                    yield from self._imports(child, at_import=False)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    yield from self._imports(child, at_import=False)
                case _:
                    yield from self._imports(child, at_import=at_import)

    @cached_property
    def functions(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, kinds))


def module_name(path: Path) -> str:
    """The dotted name of a file under the repository."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): Module(module_name(path), path)
    for path in sorted((ROOT / "kitchen").rglob("*.py"))
}


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imported_with(module: Module) -> set[str]:
    """Every module that importing one imports: kitchen's followed through, others as they are."""
    waiting, seen = [module.name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            waiting += [found.target for found in MODULES[name].imports if found.at_import]
            waiting += [parent for parent in [name.rpartition(".")[0]] if parent]
    return {name for name in seen if name in MODULES or not within(name, "kitchen")}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its docstring not counted."""
    first = function.body[0]
    end = function.end_lineno or function.lineno
    documented = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return end - function.lineno + 1 - docstring
