"""`kitchen explain`: more about a message, a stage, a port, an adapter or a workflow."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Iterable, Iterator

import click

from kitchen.cli.application import DONE, refuse
from kitchen.cli.command_line import CommandLine
from kitchen.cli.terminal import BOLD, CYAN, DIM, GREEN, Page, Word, page, words
from kitchen.cli.yaml_text import yaml_value
from kitchen.compiler.codes import CODES, Code
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.spec import Input, Registry, Setting, StageSpec
from kitchen.ir.visible import width

_INDENT: tuple[list[Word], int] = ([], 2)


@click.command("explain")
@click.argument("name", metavar="CODE|STAGE|PORT")
@click.pass_obj
def command(line: CommandLine, name: str) -> int:
    """Tell more about a code, a stage, a port, an adapter or a workflow."""
    paper = page(sys.stdout)
    code = CODES.get(name.upper())
    if code is not None:
        click.echo("\n".join(code_lines(code, paper)))
        return DONE
    from kitchen.loaded import registry

    installed = registry()
    blocks = [*_blocks(name, installed, paper)]
    if not blocks:
        known = {*CODES, *installed.stages, *installed.adapters, *installed.workflows}
        message = f"there is no code, stage, port, adapter or workflow `{name}`"
        help = did_you_mean(name, known) or "`kitchen list stages` and the like show what there is"
        return refuse([line.fault("K096", message, name, "", help)])
    click.echo("\n\n".join("\n".join(block) for block in blocks))
    return DONE


def code_lines(code: Code, paper: Page) -> list[str]:
    """The page of a code: what it is, why it matters, an example, the cure."""
    lines = [paper.shown([Word(code.code, CYAN), *words(code.title, BOLD)]), ""]
    lines += paper.row([], words(code.why))
    if code.example is not None:
        lines += ["", paper.shown(words("For example:", DIM)), ""]
        lines += [f"    {text}".rstrip() for text in code.example.rstrip().splitlines()]
    lines += ["", *paper.row([([Word("cure", GREEN)], 6)], words(code.cure))]
    return lines


def _blocks(name: str, installed: Registry, paper: Page) -> Iterator[list[str]]:
    if name in installed.stages:
        yield [*_stage(installed.stages[name], paper)]
    if name in installed.adapters:
        yield [*_port(name, installed, paper)]
    for port in sorted(installed.adapters):
        if name in installed.adapters[port]:
            yield [*_adapter(port, name, installed, paper)]
    if name in installed.workflows:
        yield [*_workflow(name, installed, paper)]


def _stage(spec: StageSpec, paper: Page) -> Iterator[str]:
    inputs = ", ".join(f"{given.name}: {_marked(given)}" for given in spec.inputs)
    outputs = ", ".join(f"{name}: {type_}" for name, type_ in spec.outputs) or "nothing"
    effects = {
        "pure": "pure: may be merged, moved out of loops, cached",
        "reads": "reads the world: may be dropped where nothing uses what it gives",
        "writes": "writes to the world: kept, once, in order",
    }
    yield paper.shown([*words("stage", DIM), Word(spec.name, BOLD)])
    yield from paper.row([_INDENT], words(spec.doc))
    yield ""
    rows = {"takes": inputs or "nothing", "gives": outputs, "effect": effects[spec.effect.value]}
    for name, text in rows.items():
        yield from paper.row([_INDENT, ([Word(name)], 10)], words(text))
    for use in spec.ports:
        asked = f": {', '.join(use.capabilities)}" if use.capabilities else ""
        yield from paper.row([_INDENT, ([Word("port")], 10)], words(f"{use.port}{asked}"))
    yield from setting_lines("settings", spec.config, paper)


def _marked(given: Input) -> str:
    """The type of an input, and whether the stage updates or closes what it is given."""
    mark = "Closes" if given.closes else "Mut" if given.mutable else ""
    return f"{mark}[{given.type}]" if mark else str(given.type)


def _port(name: str, installed: Registry, paper: Page) -> Iterator[str]:
    yield paper.shown([*words("port", DIM), Word(name, BOLD)])
    protocol = _protocol(name)
    if protocol is not None:
        yield from paper.row([_INDENT], words(inspect.getdoc(protocol) or ""))
        yield ""
        for method, function in inspect.getmembers(protocol, inspect.isfunction):
            if not method.startswith("_"):
                about = (inspect.getdoc(function) or "").partition("\n")[0]
                yield from paper.row([_INDENT, ([Word(method)], 26)], words(about, DIM))
    yield ""
    for adapter in sorted(installed.adapters[name]):
        about = installed.adapters[name][adapter].doc
        cells = [_INDENT, (words("adapter", DIM), 10), ([Word(adapter, GREEN)], 12)]
        yield from paper.row(cells, words(about))
    users = sorted(
        stage
        for stage in installed.stages
        if any(use.port == name for use in installed.stages[stage].ports)
    )
    yield from paper.row([_INDENT, (words("used by", DIM), 10)], words(", ".join(users)))


def _protocol(port: str) -> type | None:
    """The protocol of a port, as the first stage that needs it declares it."""
    from kitchen.runtime.plugins import functions

    for function in functions().values():
        if any(use.port == port for use in function.spec.ports):
            protocol = typing.get_type_hints(function)[port]
            return protocol if isinstance(protocol, type) else None
    return None


def _adapter(port: str, name: str, installed: Registry, paper: Page) -> Iterator[str]:
    spec = installed.adapters[port][name]
    yield paper.shown([*words(f"adapter of {port}", DIM), Word(name, BOLD)])
    yield from paper.row([_INDENT], words(spec.doc))
    if spec.capabilities:
        yield ""
        can = words(", ".join(sorted(spec.capabilities)))
        yield from paper.row([_INDENT, ([Word("can")], 10)], can)
    yield from setting_lines("settings", spec.config, paper)


def _workflow(name: str, installed: Registry, paper: Page) -> Iterator[str]:
    from kitchen.compiler.frontend.parse import parse_template

    template, _ = parse_template(installed.workflows[name])
    yield paper.shown([*words("workflow", DIM), Word(name, BOLD)])
    if template is not None:
        yield from paper.row([_INDENT], words(template.doc))
        yield from setting_lines("params", [param.setting for param in template.params], paper)


def setting_lines(heading: str, settings: Iterable[Setting], paper: Page) -> Iterator[str]:
    """Settings in columns: name, type, default, and what else there is to say."""
    rows = [(s, "required" if s.required else yaml_value(s.default)) for s in settings]
    if not rows:
        return
    yield ""
    yield paper.shown([Word(f"  {heading}", BOLD)])
    names = max(width(setting.name) for setting, _ in rows) + 2
    types = max(width(str(setting.type)) for setting, _ in rows) + 2
    defaults = min(max(width(default) for _, default in rows), 24) + 2
    for setting, default in rows:
        cells = [
            _INDENT,
            ([Word(setting.name)], names),
            ([Word(str(setting.type), GREEN)], types),
            ([Word(default)], max(defaults, width(default) + 2)),
        ]
        yield from paper.row(cells, words("; ".join(_limits(setting)), DIM))


def _limits(setting: Setting) -> Iterator[str]:
    if setting.doc:
        yield setting.doc
    if setting.choices:
        yield "one of " + ", ".join(map(yaml_value, setting.choices))
    if setting.minimum is not None:
        yield f"at least {setting.minimum:g}"
    if setting.maximum is not None:
        yield f"at most {setting.maximum:g}"
    if setting.above is not None:
        yield f"above {setting.above:g}"
    if setting.below is not None:
        yield f"below {setting.below:g}"
