"""The rules that keep the tree what it is, read from the source: imports, writes, names, sizes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import MODULES, ROOT, Module, imported_with, length, within

HEAVY = {"networkx", "numpy", "peft", "pyarrow", "pydantic", "rich"}
HEAVY |= {"tokenizers", "torch", "transformers"}

#: Modules of the standard library that take longer to import than what a compilation would want
#: of them is worth.
SLOW = {
    "concurrent.futures",
    "difflib",
    "email",
    "importlib.metadata",
    "logging",
    "secrets",
    "shutil",
    "socket",
    "tempfile",
}

#: Where each third-party package may be imported. What is not listed may not be imported.
HOMES = {
    "click": ("kitchen.cli",),
    "gguf": ("kitchen.runtime.adapters.torch",),
    "jinja2": ("kitchen.runtime.adapters.torch",),
    "networkx": ("kitchen.compiler.partition",),
    "numpy": ("kitchen.runtime",),
    "peft": ("kitchen.runtime.adapters.torch",),
    "pyarrow": ("kitchen.runtime.arrow",),
    "pydantic": ("kitchen.runtime.config", "kitchen.compiler.targets"),
    "pydantic_core": ("kitchen.compiler.targets",),
    "regex": ("kitchen.runtime.scorers", "kitchen.runtime.scoring_rules"),
    "reasoning_gym": ("kitchen.runtime.adapters.reasoning_gym",),
    "rich": ("kitchen.cli",),
    "safetensors": ("kitchen.runtime.adapters.torch",),
    "tenacity": ("kitchen.runtime.guards",),
    "tokenizers": ("kitchen.runtime.adapters.torch",),
    "torch": ("kitchen.runtime.adapters.torch",),
    "transformers": ("kitchen.runtime.adapters.torch",),
    "typing_extensions": ("kitchen.runtime",),
    "yaml": ("kitchen.compiler.frontend.reader", "kitchen.runtime.yaml_rows"),
}

#: What a compilation imports: a heavy import here is paid by every `kitchen compile`.
LIGHT = (
    "kitchen.ir",
    "kitchen.compiler",
    "kitchen.runtime.adapter",
    "kitchen.runtime.plugins",
    "kitchen.runtime.ports",
    "kitchen.runtime.stage",
    "kitchen.runtime.stages",
    "kitchen.runtime.values",
)

#: What is imported when something is exported, and by no compilation.
EXPORTING = (
    "kitchen.compiler.targets.airflow",
    "kitchen.compiler.targets.argo",
    "kitchen.compiler.targets.kubernetes",
)

#: Who may import whom. `kitchen` itself and `kitchen.cli` may import both halves.
LAYERS = {
    "kitchen.ir": ("kitchen.ir",),
    "kitchen.compiler": ("kitchen.ir", "kitchen.compiler"),
    "kitchen.runtime": ("kitchen.ir", "kitchen.runtime"),
}

#: Packages of which none imports another of the same row.
STRANGERS = (
    (
        "kitchen.compiler.frontend",
        "kitchen.compiler.checks",
        "kitchen.compiler.rewrites",
        "kitchen.compiler.targets",
    ),
    ("kitchen.runtime.stages", "kitchen.runtime.adapters"),
)

FORBIDDEN_WORDS = {"manager", "handler", "helper", "helpers", "util", "utils", "engine", "base"}
FORBIDDEN_WORDS |= {"common", "misc", "ctx", "cfg"}

PICKLES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}

STORE = "kitchen.runtime.store"

#: Modules that reach the disk without the commit protocol, and why each may.
WRITERS: dict[str, str] = {
    STORE: "it is the commit protocol",
    "kitchen.runtime.adapters.files.blobs": "copies into a folder that is being committed",
    "kitchen.runtime.adapters.memory.blobs": "a temporary folder that ends with the process",
    "kitchen.runtime.adapters.noop.training": "fills a folder that is being committed",
    "kitchen.runtime.adapters.torch.state": "fills a folder that is being committed",
    "kitchen.runtime.adapters.torch.weights": "fills a folder that is being committed",
    "kitchen.runtime.arrow": "fills a folder that is being committed",
    "kitchen.runtime.checkpoint": "fills a folder that is being committed",
}

FILE_LINES, FUNCTION_LINES = 250, 40

#: Files and functions over the budget: a closed list that only shrinks.
LARGE_FILES: dict[str, int] = {}
LARGE_FUNCTIONS: dict[str, int] = {}

Faults = Iterator[tuple[int, str]]


def faults(rule: Callable[[Module], Faults], *packages: str) -> list[str]:
    """Every place in these packages where a rule finds something."""
    return [
        f"{module.path.relative_to(ROOT)}:{line}: {what}"
        for module in MODULES.values()
        if within(module.name, *packages or ("kitchen",))
        for line, what in rule(module)
    ]


def test_layers_import_downwards() -> None:
    def crossings(module: Module) -> Faults:
        allowed = next((LAYERS[name] for name in LAYERS if within(module.name, name)), None)
        for found in module.imports:
            ours = within(found.target, "kitchen")
            if ours and allowed is not None and not within(found.target, *allowed):
                yield found.line, f"imports {found.target}"

    assert not faults(crossings)


@pytest.mark.parametrize("row", STRANGERS, ids=lambda row: row[0].rpartition(".")[0])
def test_strangers_do_not_import_each_other(row: tuple[str, ...]) -> None:
    def meetings(module: Module) -> Faults:
        others = [package for package in row if not within(module.name, package)]
        for found in module.imports:
            if within(found.target, *others):
                yield found.line, f"imports {found.target}"

    assert not faults(meetings, *row)


def test_each_third_party_package_has_its_home() -> None:
    def strays(module: Module) -> Faults:
        for found in module.imports:
            package = found.target.partition(".")[0]
            if package in sys.stdlib_module_names or package == "kitchen":
                continue
            if not within(module.name, *HOMES.get(package, ())):
                yield found.line, f"imports {found.target}"

    assert not faults(strays)


def test_the_ir_needs_only_the_standard_library() -> None:
    for module in MODULES.values():
        if within(module.name, "kitchen.ir"):
            outside = {name.partition(".")[0] for name in imported_with(module) - MODULES.keys()}
            assert outside <= sys.stdlib_module_names, module


def test_what_a_compilation_imports_is_light() -> None:
    for module in MODULES.values():
        if within(module.name, *LIGHT) and not within(module.name, *EXPORTING):
            assert not {name.partition(".")[0] for name in imported_with(module)} & HEAVY, module


def test_names_say_what_things_are() -> None:
    def vague(module: Module) -> Faults:
        names = [(1, module.name.rpartition(".")[2]), *written_names(module.tree)]
        for line, name in names:
            if name == "ctx" and within(module.name, "kitchen.cli"):
                continue  # click names this argument of the methods that are overridden
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
            if words & FORBIDDEN_WORDS:
                yield line, name

    assert not faults(vague)


def written_names(tree: ast.Module) -> Faults:
    """Names of classes and functions; of variables only the abbreviations that are forbidden."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg="ctx" | "cfg" as name):
                yield node.lineno, name
            case ast.Name(id="ctx" | "cfg" as name, ctx=ast.Store()):
                yield node.lineno, name


def test_only_the_store_writes() -> None:
    def unprotected(module: Module) -> Faults:
        if module.name not in WRITERS:
            yield from writes(module.tree)

    assert not faults(unprotected)


def writes(tree: ast.Module) -> Faults:
    """Calls that create or replace a file, but for those that fill a folder to be committed."""
    protected = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in fillers(tree)
        for node in ast.walk(function)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if call in protected:
            continue
        match call.func:
            case ast.Name(id="open") if set(_mode(call, 1)) & set("wax+"):
                yield call.lineno, "open for writing"
            case ast.Attribute(attr="open") if set(_mode(call, 0)) & set("wax+"):
                yield call.lineno, "open for writing"
            case ast.Attribute(attr="write_text" | "write_bytes" as name):
                yield call.lineno, name
            case ast.Attribute(
                value=ast.Name(id="os" | "shutil" as owner),
                attr="rename" | "replace" | "renames" | "move" | "copyfile" | "copytree" as name,
            ):
                yield call.lineno, f"{owner}.{name}"


def fillers(tree: ast.Module) -> set[str]:
    """Names of the functions that are passed to `commit_folder`."""
    return {
        argument.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("commit_folder")
        for argument in call.args[1:]
        if isinstance(argument, ast.Name)
    }


def _mode(call: ast.Call, position: int) -> str:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    given += call.args[position : position + 1]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else "r"
    return mode if isinstance(mode, str) else "r"


def test_nothing_read_is_executed() -> None:
    assert not faults(lambda module: executes(module.tree))


def executes(tree: ast.Module) -> Faults:
    """Ways to run what was read: pickles, eval, shells, other people's code."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.partition(".")[0] in PICKLES:
                        yield node.lineno, alias.name
            case ast.ImportFrom(module=str(name)) if name in PICKLES:
                yield node.lineno, name
            case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__" as name)):
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                yield node.lineno, "torch.load"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen")):
                yield node.lineno, "a shell"
            case ast.keyword(arg="trust_remote_code" | "shell" as name, value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield value.lineno, name


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("open(path, 'w')", writes),
        ("open(path, mode='ab')", writes),
        ("path.open('x')", writes),
        ("path.write_text(text)", writes),
        ("os.replace(a, b)", writes),
        ("import pickle", executes),
        ("from shelve import open", executes),
        ("eval(text)", executes),
        ("torch.load(path)", executes),
        ("AutoModel.from_pretrained(name, trust_remote_code=True)", executes),
        ("def f(ctx): ...", written_names),
        ("class RunManager: ...", written_names),
    ],
)
def test_a_rule_sees_what_it_forbids(source: str, rule: Callable[[ast.Module], Faults]) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("open(path)", writes),
        ("path.open('rb')", writes),
        ("text.replace(a, b)", writes),
        ("def fill(folder): (folder / 'a').write_text('')\ncommit_folder(target, fill)", writes),
        ("re.compile(text)", executes),
        ("from_pretrained(name, trust_remote_code=False)", executes),
    ],
)
def test_a_rule_lets_the_rest_be(source: str, rule: Callable[[ast.Module], Faults]) -> None:
    assert not list(rule(ast.parse(source)))


def test_size() -> None:
    def large(module: Module) -> Faults:
        lines = module.text.count("\n")
        if lines >= LARGE_FILES.get(module.name, FILE_LINES):
            yield 1, f"{lines} lines"
        for function in module.functions:
            allowed = LARGE_FUNCTIONS.get(f"{module.name}.{function.name}", FUNCTION_LINES)
            if length(function) >= allowed:
                yield function.lineno, f"{function.name} has {length(function)} lines"

    assert not faults(large)


def test_every_exception_is_still_needed() -> None:
    assert WRITERS.keys() <= MODULES.keys()
    assert all(list(writes(MODULES[name].tree)) for name in WRITERS.keys() - {STORE})
    assert all(MODULES[name].text.count("\n") >= FILE_LINES for name in LARGE_FILES)
    assert LARGE_FUNCTIONS.keys() <= {
        f"{module}.{function.name}" for module in MODULES.values() for function in module.functions
    }


def test_form() -> None:
    """A docstring first, then annotations that are never evaluated; nothing left for later."""

    def shapeless(module: Module) -> Faults:
        if module.text and not ast.get_docstring(module.tree):
            yield 1, "no docstring"
        match module.tree.body[1:2]:
            case [ast.ImportFrom(module="__future__")] | []:
                pass
            case [statement]:
                yield statement.lineno, "`from __future__ import annotations` comes first"
        for number, line in enumerate(module.text.splitlines(), start=1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield number, line.strip()

    assert not faults(shapeless)


def test_a_real_compilation_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from kitchen.cli import main\n"
        "sys.argv = ['kitchen', 'compile', 'recipes/sft.yaml']\n"
        "code = main()\n"
        f"print('heavy:', *sorted({HEAVY | SLOW!r} & sys.modules.keys() - before))\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy:"


def test_tests_mirror_what_they_test() -> None:
    """Test files have names of their own: two of one name hide each other in reports."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
