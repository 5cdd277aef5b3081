"""The parameters a template declares."""

from __future__ import annotations

import re
from dataclasses import replace

from kitchen.compiler.frontend.data import UNREADABLE, plain_data
from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.compiler.frontend.settings import check_setting
from kitchen.compiler.frontend.shapes import Fields, fields, mapping, name, scalar, sequence
from kitchen.compiler.frontend.syntax import Declaration, Node, Scalar
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.fit import described, fits, shown
from kitchen.ir.spec import Setting
from kitchen.ir.types import BOOL, FLOAT, INT, SCALARS, STR, UNKNOWN, Type, list_of, optional

_TYPES = {"str": STR, "int": INT, "float": FLOAT, "bool": BOOL, "record": Type("Record")}
_LIST = re.compile(r"list\[(.*)\]")
_KEYS = ("type", "default", "min", "max", "choices", "doc")


def parse_declarations(node: Node, report: Report) -> tuple[Declaration, ...]:
    """`params:` of a template; each parameter, whatever is wrong with it."""
    root = mapping(node, "`params`", report)
    return tuple(_declaration(key, value, report) for key, value in (root.items if root else ()))


def _declaration(key: Scalar, node: Node, report: Report) -> Declaration:
    name(key, "a parameter", report)
    subject = f"the parameter `{key.text}`"
    if isinstance(node, Scalar) and node.text:
        help = f"write `{key.text}: {{type: {short(node.text)}}}`"
        report(fault("K022", f"{subject} is a mapping", node.span, "a single value", help=help))
        return _unreadable(key)
    parts = mapping(node, subject, report)
    if parts is None:
        return _unreadable(key)
    found = fields(parts, _KEYS, subject, report, required=("type",))
    type_ = _type(found, report)
    if type_ is None:
        return _unreadable(key)
    choices = _choices(found, type_, report)
    low, high = (_bound(found, bound, type_, report) for bound in ("min", "max"))
    if low is not None and high is not None and low > high:
        message = f"{subject} is at least {low:g} and at most {high:g}, which nothing is"
        also = [(found["min"][1].span, "the lower bound")]
        report(fault("K027", message, found["max"][1].span, "the upper bound", also=also))
    doc = scalar(*found["doc"], report) if "doc" in found else None
    setting = Setting(
        name=key.text,
        type=type_,
        required="default" not in found and not type_.is_optional,
        minimum=low,
        maximum=high,
        choices=choices,
        doc="" if doc is None else doc.text,
    )
    return Declaration(setting=_with_default(setting, found, report), span=key.span)


def _unreadable(key: Scalar) -> Declaration:
    """A parameter of which only the name is known; whatever reads it is not at fault."""
    return Declaration(setting=Setting(name=key.text, type=UNKNOWN, required=False), span=key.span)


def _with_default(setting: Setting, found: Fields, report: Report) -> Setting:
    if "default" not in found:
        return setting
    node = found["default"][1]
    value = plain_data(node, setting.type, report)
    default = check_setting(setting, value, node.span, report)
    return replace(setting, default=default)


def _type(found: Fields, report: Report) -> Type | None:
    """`int`, `float`, `bool`, `str`, `record`, `list[...]`, and `?` after one for an optional."""
    node = scalar(*found["type"], report) if "type" in found else None
    if node is None:
        return None
    text = node.text.strip()
    type_ = _TYPES.get(text.removesuffix("?"))
    listed = _LIST.fullmatch(text.removesuffix("?"))
    if listed is not None and listed[1] in _TYPES:
        type_ = list_of(_TYPES[listed[1]])
    if type_ is None:
        message = f"there is no type `{short(node.text)}`"
        help = did_you_mean(text, [*_TYPES, "list[str]", "list[int]", "list[float]"])
        report(fault("K027", message, node.span, "unknown type", help=help))
        return None
    return optional(type_) if text.endswith("?") else type_


def _bound(found: Fields, key: str, type_: Type, report: Report) -> float | None:
    if key not in found:
        return None
    node = scalar(*found[key], report)
    if node is None:
        return None
    value = plain_data(node, None, report)
    if type_.required not in (INT, FLOAT):
        message = f"`{key}` is for numbers, this parameter is `{type_}`"
        report(fault("K027", message, node.span))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    elif value is not UNREADABLE:
        report(fault("K027", f"`{key}` is a number, not `{short(node.text)}`", node.span))
    return None


def _choices(found: Fields, type_: Type, report: Report) -> tuple[object, ...]:
    if "choices" not in found:
        return ()
    if type_.required not in SCALARS.values():
        message = f"`choices` are for a single value, this parameter is `{type_}`"
        report(fault("K027", message, found["choices"][0].span))
        return ()
    choices = []
    for node in sequence(found["choices"][1], "`choices`", report):
        value = plain_data(node, type_, report)
        if value is UNREADABLE:
            continue
        if not fits(value, type_):
            message = f"a choice is {described(type_)}, not {shown(value)}"
            report(fault("K027", message, node.span))
        choices.append(value)
    return tuple(choices)
