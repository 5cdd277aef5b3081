"""A tree of nodes from the events of a YAML text, bounded while it grows.

The composer of the YAML library recurses in C, where deep nesting ends the process; its events do
not recurse. Depth and nodes are counted here, event by event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from yaml.cyaml import CSafeLoader

from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.scalars import is_text
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar, Sequence
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

MAX_DEPTH = 64
MAX_NODES = 500_000


class Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Tree:
    """One pass over the events of one document."""

    def __init__(self, source: Source, start: int, report: Report) -> None:
        self.source, self.shift, self.report = source, start, report
        self.nodes = 0
        self.anchors: dict[str, Node | None] = {}  #: None while the node is still open
        self.sizes: dict[int, tuple[int, int]] = {}  #: nodes and depth of what an alias names
        self.text_keys: set[str] = set()

    def read(self) -> Node:
        """The root node. Raises Stop, or the YAML library's error, where reading must end."""
        next_event: Callable[[], Any] = CSafeLoader(self.source.text[self.shift :]).get_event
        children: list[Node] = []
        opened: list[tuple[list[Node], Any]] = []
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                node: Node = self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, len(opened))
                opened.append((children, event))
                children = []
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                inside = children
                children, opening = opened.pop()
                node = self._close(opening, inside, event.end_mark.index + self.shift)
            elif kind is yaml.AliasEvent:
                node = self._alias(event, len(opened))
            elif kind is yaml.StreamEndEvent:
                return self._root(children)
            else:
                self._document(event, children)
                continue
            self.nodes += 1
            if self.nodes > MAX_NODES:
                raise Stop(_too_many(node.span))
            children.append(node)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark.index, event.end_mark.index
        return Span(self.source, start + self.shift, end + self.shift)

    def _scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark.index + self.shift, event.end_mark.index + self.shift
        plain = event.implicit[0]
        if not plain and event.style in ("|", ">"):
            end = start + len(self.source.text[start:end].rstrip())
        node = Scalar(event.value, plain, self.source, start, end)
        if event.anchor is not None or event.tag is not None:
            self._decorated(event, node)
        return node

    def _root(self, children: list[Node]) -> Node:
        match children:
            case [Scalar(text="", plain=True)] | []:
                here = Span(self.source, self.shift, self.shift)
                help = "a recipe and a template start with `kitchen: 1`"
                raise Stop(fault("K010", f"`{self.source.name}` is empty", here, help=help))
        return children[0]

    def _document(self, event: Any, children: list[Node]) -> None:
        if type(event) is not yaml.DocumentStartEvent:
            return
        if event.tags:
            self.report(_tag_fault("a `%TAG` directive", self._span(event)))
        if children:
            at = self._span(event)
            message = f"`{self.source.name}` holds more than one document"
            also = [(children[0].span.within(0, 0), "the first one starts here")]
            help = "put each document into its own file"
            raise Stop(fault("K010", message, at, "a second one starts here", also=also, help=help))

    def _open(self, event: Any, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise Stop(_too_deep(self._span(event), "one too deep"))
        if event.anchor is not None:
            self.anchors[event.anchor] = None

    def _close(self, opening: Any, inside: list[Node], end: int) -> Node:
        """A list or mapping. One in block style ends where its last part does."""
        start = opening.start_mark.index + self.shift
        if not opening.flow_style and inside:
            last = inside[-1]
            end = max(start, last.end if isinstance(last, Scalar) else last.span.end)
        span = Span(self.source, start, end)
        if type(opening) is yaml.SequenceStartEvent:
            node: Node = Sequence(tuple(inside), span)
        else:
            node = Mapping(self._items(inside), span)
        if opening.anchor is not None or opening.tag is not None:
            self._decorated(opening, node)
        return node

    def _items(self, inside: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        items: list[tuple[Scalar, Node]] = []
        first: dict[str, Scalar] = {}
        pairs = iter(inside)
        for key, value in zip(pairs, pairs, strict=True):
            if not isinstance(key, Scalar) or not self._is_name(key):
                self.report(_key_fault(key))
            elif key.text in first:
                message = f"`{key.text}` stands twice in one mapping"
                also = [(first[key.text].span, "first written here")]
                help = "keep one of the two"
                self.report(
                    fault("K006", message, key.span, "written again here", also=also, help=help)
                )
            else:
                first[key.text] = key
                items.append((key, value))
        return tuple(items)

    def _is_name(self, key: Scalar) -> bool:
        if key.text in self.text_keys or not key.plain:
            return True
        if key.text == "<<" or not is_text(key.text):
            return False
        self.text_keys.add(key.text)
        return True

    def _decorated(self, event: Any, node: Node) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.report(_tag_fault(f"the tag `{tag}`", self._span(event)))
        if event.anchor is not None:
            self.anchors[event.anchor] = node

    def _alias(self, event: Any, depth: int) -> Node:
        """The node an alias names; it counts as if it stood there again."""
        at, name = self._span(event), event.anchor
        node = self.anchors.get(name)
        if node is None:
            known = name in self.anchors
            message = f"`*{name}` stands inside what it names" if known else f"no `&{name}` above"
            help = None if known else f"quote `*{name}` if it is a text"
            raise Stop(fault("K009", message, at, "this alias", help=help))
        size, height = self._size(node)
        self.nodes += size
        if depth + height > MAX_DEPTH:
            raise Stop(_too_deep(at, "with what this alias names"))
        return node

    def _size(self, node: Node) -> tuple[int, int]:
        """How many nodes a tree has when its aliases are written out, and how deep it stands."""
        if isinstance(node, Scalar):
            return 1, 0
        known = self.sizes.get(id(node))
        if known is None:
            parts = node.items if isinstance(node, Sequence) else [value for _, value in node.items]
            sizes = [self._size(part) for part in parts]
            keys = len(parts) if isinstance(node, Mapping) else 0
            size = 1 + keys + sum(count for count, _ in sizes)
            known = size, 1 + max((height for _, height in sizes), default=0)
            self.sizes[id(node)] = known
        return known


def _too_many(at: Span) -> Diagnostic:
    message = f"a document may have {MAX_NODES:,} keys and values, aliases written out"
    return fault("K004", message, at, "one too many", help="split it into templates")


def _too_deep(at: Span, label: str) -> Diagnostic:
    message = f"lists and mappings may stand {MAX_DEPTH} deep in each other, these stand deeper"
    return fault("K004", message, at, label, help="nest less")


def _tag_fault(what: str, at: Span) -> Diagnostic:
    help = "remove it: types come from what is asked for"
    return fault("K007", f"{what} is not part of kitchen's YAML", at, "a tag", help=help)


def _key_fault(key: Node) -> Diagnostic:
    if isinstance(key, Scalar) and key.text == "<<":
        help = "write the keys out"
        return fault("K008", "merge keys are not part of kitchen's YAML", key.span, help=help)
    if isinstance(key, Scalar):
        message = f"a key is a string, `{key.text}` is not one"
        return fault("K011", message, key.span, "this key", help="put it in quotes")
    what = "a list" if isinstance(key, Sequence) else "a mapping"
    help = "a text that starts with `{` or `[` needs quotes, so does a lone `${...}` in braces"
    return fault("K011", f"a key is a string, this one is {what}", key.span, "this key", help=help)
