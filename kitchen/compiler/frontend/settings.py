"""Values against the settings that declare them: type, range, choices."""

from __future__ import annotations

from kitchen.compiler.frontend.data import UNREADABLE, plain_data
from kitchen.compiler.frontend.reader import read
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.syntax import Node, Scalar
from kitchen.ir.fit import Why, misfit
from kitchen.ir.source import Source, Span
from kitchen.ir.spec import Setting
from kitchen.ir.types import FLOAT, STR, Type

_CODES = {Why.TYPE: "K152", Why.RANGE: "K153", Why.CHOICE: "K154", Why.INFINITE: "K025"}


def check_setting(
    setting: Setting,
    value: object,
    span: Span | None,
    report: Report,
    *,
    declared: Span | None = None,
) -> object:
    """The value as the setting holds it; one that does not fit is reported and given back.

    An Int where a Float is declared becomes one. `declared` is where the setting is declared.
    """
    if value is UNREADABLE:
        return None
    wrong = misfit(setting, value)
    if wrong is None:
        return converted(value, setting.type)
    message = f"`{setting.name}` is {wrong.wanted}, not {wrong.instead}"
    also = [(declared, setting.doc or f"`{setting.name}` is declared here")]
    report(fault(_CODES[wrong.why], message, span, wrong.given, also=also, help=wrong.help))
    return value


def converted(value: object, type_: Type) -> object:
    """The same data, with each Int that stands where a Float is declared made one."""
    wanted = type_.required
    if isinstance(value, int) and wanted == FLOAT and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list) and wanted.name == "List":
        return [converted(item, wanted.args[0]) for item in value]
    return value


def parse_override(
    setting: Setting,
    source: Source,
    start: int,
    report: Report,
    *,
    declared: Span | None = None,
) -> object:
    """The value that `--set name=text` gives a setting; `start` is where `text` begins.

    A setting that is a text takes it as it is; any other reads it as YAML.
    """
    text, end = source.text[start:], len(source.text)
    span = Span(source, start, end)
    wanted = setting.type.required
    if wanted == STR:
        absent = setting.type.is_optional and text in ("", "null", "~")
        return check_setting(setting, None if absent else text, span, report, declared=declared)
    node: Node = Scalar(text.strip(), True, source, start, end)
    if wanted.name in ("List", "Record"):
        root, diagnostics = read(source, start=start)
        for diagnostic in diagnostics:
            report(diagnostic)
        if root is None:
            return None
        node = root
    value = plain_data(node, setting.type, report)
    return check_setting(setting, value, span, report, declared=declared)
