"""Values against the settings that declare them: type, range, choices."""

from __future__ import annotations

from kitchen.compiler.frontend.data import UNREADABLE, plain_data, type_of_data
from kitchen.compiler.frontend.reader import read
from kitchen.compiler.frontend.report import Report, fault, quoted
from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.source import Source, Span
from kitchen.ir.spec import Setting
from kitchen.ir.types import FLOAT, STR, Type, accepts


def check_setting(
    setting: Setting,
    value: object,
    span: Span | None,
    report: Report,
    *,
    declared: Span | None = None,
) -> object:
    """The value as the setting's type holds it; what does not fit is reported at both places.

    An Int where a Float is declared becomes one. What does not fit is given back as it is.
    """
    if value is UNREADABLE:
        return None
    if not fits(value, setting.type):
        name = setting.name
        message = f"`{name}` is {described(setting.type)}, not {shown(value)}"
        also = [(declared, f"`{name}` is declared here")]
        help = _cure(setting, value)
        report(fault("K152", message, span, _label(value), also=also, help=help))
        return value
    value = converted(value, setting.type)
    _check_range(setting, value, span, report, declared)
    _check_choices(setting, value, span, report, declared)
    return value


def parse_override(
    setting: Setting, source: Source, start: int, report: Report, *, declared: Span | None = None
) -> object:
    """The value that `--set name=text` gives a setting; `start` is where `text` begins."""
    text, span = source.text[start:], Span(source, start, len(source.text))
    wanted = setting.type.required
    if wanted == STR:
        absent = setting.type.is_optional and text in ("", "null", "~")
        return check_setting(setting, None if absent else text, span, report, declared=declared)
    if wanted.name in ("List", "Record", "Unknown"):
        node, diagnostics = read(source, start=start)
        for diagnostic in diagnostics:
            report(diagnostic)
        if node is None:
            return None
    else:
        node = Scalar(text.strip(), True, span)
    value = plain_data(node, setting.type, report)
    return check_setting(setting, value, span, report, declared=declared)


def fits(value: object, type_: Type) -> bool:
    """Whether plain data may stand where a type is asked for."""
    if value is None and type_.is_optional:
        return True
    wanted = type_.required
    if isinstance(value, (list, tuple)) and wanted.name == "List":
        return all(fits(item, wanted.args[0]) for item in value)
    return accepts(wanted, type_of_data(value))


def converted(value: object, type_: Type) -> object:
    """The same data with each Int that stands for a Float made one."""
    wanted = type_.required
    if isinstance(value, int) and wanted == FLOAT:
        return float(value)
    if isinstance(value, (list, tuple)) and wanted.name == "List":
        return [converted(item, wanted.args[0]) for item in value]
    return value


def described(type_: Type) -> str:
    """A type in words."""
    words = {"Int": "a whole number", "Float": "a number", "Bool": "true or false", "Str": "a text"}
    name = type_.required.name
    if name == "List":
        return f"a list of `{type_.required.args[0]}`"
    return words.get(name, "a mapping" if name == "Record" else f"`{type_}`")


def shown(value: object) -> str:
    """A value as a person wrote it, short."""
    match value:
        case None:
            return "absent"
        case bool():
            return "`true`" if value else "`false`"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _label(value: object) -> str:
    return "nothing stands here" if value is None else f"this is `{type_of_data(value)}`"


def _cure(setting: Setting, value: object) -> str | None:
    if value is None:
        return f"give `{setting.name}` a value"
    if setting.type.required.name == "List" and not isinstance(value, (list, dict)):
        return f"write a list: `[{value}]`"
    if isinstance(value, str) and setting.type.required.name in ("Int", "Float"):
        return "write a number, without quotes"
    return None


def _check_range(
    setting: Setting, value: object, span: Span | None, report: Report, declared: Span | None
) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    low, high = setting.minimum, setting.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return
    if low is not None and high is not None:
        wanted = f"from {low:g} to {high:g}"
    else:
        wanted = f"at least {low:g}" if low is not None else f"at most {high:g}"
    message = f"`{setting.name}` is {wanted}, not `{value}`"
    also = [(declared, f"`{setting.name}` is declared here")]
    report(fault("K153", message, span, "out of range", also=also, help=f"give a value {wanted}"))


def _check_choices(
    setting: Setting, value: object, span: Span | None, report: Report, declared: Span | None
) -> None:
    choices = setting.choices
    if not choices or (value is None and setting.type.is_optional):
        return
    items = value if isinstance(value, (list, tuple)) else [value]
    stranger = next((item for item in items if item not in choices), None)
    if stranger is None:
        return
    names = [str(choice) for choice in choices]
    message = f"`{setting.name}` is one of {quoted(names)}, not {shown(stranger)}"
    also = [(declared, f"`{setting.name}` is declared here")]
    help = did_you_mean(str(stranger), names)
    report(fault("K154", message, span, "not one of them", also=also, help=help))
