"""The shapes documents are made of, taken apart with every deviation reported."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable

from kitchen.compiler.frontend.report import Report, fault, quoted, short
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar, Sequence
from kitchen.ir.diagnostic import closest, did_you_mean

#: How alike a key and a known one are, from 0 to 1, where nothing else can have been meant.
SLIP = 0.75

Fields = dict[str, tuple[Scalar, Node]]

FUNCTIONS = ("range", "len", "min", "max", "round", "default")
LITERALS = {
    **dict.fromkeys(("True", "true"), True),
    **dict.fromkeys(("False", "false"), False),
    **dict.fromkeys(("None", "null")),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset((*keyword.kwlist, *FUNCTIONS, *LITERALS))


def what(node: Node) -> str:
    """What stands there, in the words of a label."""
    match node:
        case Scalar(text="", plain=True):
            return "nothing stands here"
        case Scalar():
            return "this is a single value"
        case Sequence():
            return "this is a list"
        case Mapping():
            return "this is a mapping"


def mapping(node: Node, subject: str, report: Report, *, help: str | None = None) -> Mapping | None:
    """The node as a mapping, empty where nothing stands; None, reported, where it is not one."""
    match node:
        case Mapping():
            return node
        case Scalar(text="", plain=True):
            return Mapping((), node.span)
    message = f"{subject} is a mapping of keys to values"
    report(fault("K022", message, node.span, what(node), help=help))
    return None


def sequence(node: Node, subject: str, report: Report) -> tuple[Node, ...]:
    """The items of a list; none, reported, where it is not one."""
    if isinstance(node, Sequence):
        return node.items
    help = "start each item with `- `"
    report(fault("K022", f"{subject} is a list", node.span, what(node), help=help))
    return ()


def scalar(key: Scalar, node: Node, report: Report, subject: str = "") -> Scalar | None:
    """The node as a scalar with something in it; None, reported, where it is not one."""
    if isinstance(node, Scalar) and (node.text or not node.plain):
        return node
    empty = isinstance(node, Scalar)
    at = key.span if empty else node.span
    message = f"{subject or f'`{key.text}`'} {'has no value' if empty else 'is a single value'}"
    help = f"write it after `{key.text}:`" if empty else None
    report(fault("K022", message, at, what(node), help=help))
    return None


def fields(
    node: Mapping,
    allowed: Collection[str],
    subject: str,
    report: Report,
    *,
    required: Iterable[str] = (),
    help: str | None = None,
) -> Fields:
    """The keys of a mapping by name; what is unknown or missing is reported.

    A slip of the pen is reported and read as what was meant, so that nothing else is said of it.
    """
    found: Fields = {}
    meant: Fields = {}
    guesses: set[str | None] = set()
    for key, value in node.items:
        if key.text in allowed:
            found[key.text] = (key, value)
            continue
        guess = closest(key.text, allowed)
        slip = closest(key.text, allowed, cutoff=SLIP)
        if slip is not None:
            meant.setdefault(slip, (key, value))
        guesses.add(guess)
        cure = did_you_mean(key.text, allowed) if guess or help is None else help
        message = f"{subject} has no key `{key.text}`"
        report(fault("K020", message, key.span, "unknown key", help=cure))
    found = meant | found
    missing = [name for name in required if name not in found and name not in guesses]
    if missing:
        at = node.items[0][0].span if node.items else node.span
        message = f"{subject} needs {quoted(missing, 'and')}"
        report(fault("K021", message, at, "not given here", help=f"add `{missing[0]}:`"))
    return found


def name(node: Scalar, subject: str, report: Report) -> bool:
    """Whether a scalar can name something that expressions read; reported where it cannot."""
    text = node.text
    if _NAME.fullmatch(text) and text not in _RESERVED:
        return True
    if text in _RESERVED:
        help = f"`{text}` is a word of the expression language: choose another name"
    else:
        help = "names are letters, digits and `_`, and do not start with a digit"
    report(
        fault("K024", f"`{short(text)}` cannot name {subject}", node.span, "this name", help=help)
    )
    return False


def word(node: Scalar, subject: str, report: Report) -> str:
    """A name for people and folders: letters, digits, `-`, `_` and `.`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", node.text):
        help = "use letters, digits, `-`, `_` and `.`, at most 100 of them"
        message = f"`{short(node.text)}` cannot name {subject}"
        report(fault("K024", message, node.span, "this name", help=help))
    return node.text
