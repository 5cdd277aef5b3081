"""What is wrong with a text that YAML cannot read, in words a person can act on."""

from __future__ import annotations

from typing import Any

import yaml

from kitchen.compiler.frontend.report import fault
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

#: What the YAML library found -> what that means here, and what to do. `{}` is the character.
_MEANINGS: dict[str, tuple[str, str]] = {
    "mapping values are not allowed in this context": (
        "a `:` stands where no key can",
        "put a value that has `: ` in it in quotes, or line the key up with its neighbours",
    ),
    "an expression that is not quoted": (
        "`${...}` needs quotes in here",
        'write `"${...}"`: inside `{}` and `[]` a plain value ends at a brace',
    ),
    "did not find expected ',' or ']'": (
        "this list is not closed where it should be",
        "close it with `]`, or put a comma between its items",
    ),
    "did not find expected ',' or '}'": (
        "this mapping is not closed where it should be",
        "close it with `}`, or put a comma between its keys",
    ),
    "found unexpected end of stream": (
        "this quote is never closed",
        "close it",
    ),
    "did not find expected key": (
        "this line lines up with nothing above it",
        "indent it as its neighbours are, or close the quote that ends too early",
    ),
    "did not find expected '-' indicator": (
        "this line stands in a list and is not an item of it",
        "start it with `- `, or indent it as what it belongs to",
    ),
    "did not find expected node content": (
        "a value is missing here",
        "write one, or remove what leads up to it",
    ),
    "could not find expected ':'": (
        "this line is neither `key: value` nor an item of a list",
        "write `key: value`, or indent it under the value it goes on with",
    ),
    "found unknown escape character": (
        "this escape is none that double quotes know",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    "block sequence entries are not allowed in this context": (
        "a list cannot start on the line of its key",
        "start the list on the next line, or write it as `[a, b]`",
    ),
    "did not find expected alphabetic or numeric character": (
        "a plain value cannot start with {}",
        "put it in quotes",
    ),
    "found incompatible YAML document": (
        "this asks for a version of YAML that there is none of",
        "take the `%YAML` line out",
    ),
    "found unknown directive name": (
        "this directive is none that YAML knows",
        "take the line out",
    ),
    "mapping keys are not allowed in this context": (
        "a `?` stands where no key can",
        "put a value that starts with `? ` in quotes",
    ),
    "did not find expected <document start>": (
        "this stands after the end of the document",
        "indent it as its neighbours are",
    ),
    "found character that cannot start any token": (
        "a plain value cannot start with {}",
        "put it in quotes",
    ),
    "found a tab character that violates indentation": (
        "a tab indents this line",
        "indent with spaces",
    ),
}
#: Problems whose place is where the library began to look, and what stands there.
_AT_OPENING = {
    "did not find expected ',' or ']'": "opened here",
    "did not find expected ',' or '}'": "opened here",
    "found unexpected end of stream": "opened here",
    "could not find expected ':'": "this line",
    "did not find expected alphabetic or numeric character": "this character",
}


def explain(cause: yaml.MarkedYAMLError, source: Source, start: int) -> Diagnostic:
    """One diagnostic for the point at which a text stops being YAML."""
    problem = str(cause.problem)
    stopped, opened = _index(cause.problem_mark, start), _index(cause.context_mark, start)
    label = _AT_OPENING.get(problem, "reading stopped here")
    index = opened if problem in _AT_OPENING else stopped
    index = max(start, min(index, len(source.text.rstrip()) - 1))
    character = source.text[index : index + 1]
    if problem.endswith(("]'", "}'")) and "${" in source.text[opened : stopped + 1]:
        problem = "an expression that is not quoted"
    elif character == "\t" and "cannot start" in problem:
        problem = "found a tab character that violates indentation"
    message, help = _MEANINGS.get(problem, (problem, "check quotes, brackets and indentation"))
    at = Span(source, index, min(index + 1, len(source.text)))
    shown = "a backtick" if character == "`" else f"`{character}`"
    return fault("K001", message.replace("{}", shown, 1), at, label, help=help)


def _index(mark: Any, start: int) -> int:
    return start if mark is None else start + int(mark.index)
