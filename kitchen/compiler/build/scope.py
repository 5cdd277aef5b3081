"""Scopes: which value a name stands for at a place, and what is said where it stands for none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kitchen.ir.diagnostic import Diagnostic, Label, did_you_mean
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.source import Span
from kitchen.ir.types import UNKNOWN, Kind, Type

#: How many places that read an unknown name are shown beside the first.
MOST_READERS = 4


@dataclass(slots=True)
class Scope:
    """The names of one region; those of the regions around it are in sight."""

    parent: Scope | None = None
    names: dict[str, Expr] = field(default_factory=dict)
    #: `finally` and `on_failure` see the body's names only through this.
    import_: Callable[[str], Expr | None] | None = None
    unread: set[str] = field(default_factory=set)  #: parameters that nothing has asked for yet

    def lookup(self, name: str) -> Expr | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is None and scope.import_ is not None:
                found = scope.import_(name)
            if found is not None:
                scope.unread.discard(name)
                return found
            scope = scope.parent
        return None

    def visible(self) -> set[str]:
        return set(self.names) | (self.parent.visible() if self.parent else set())


@dataclass(slots=True)
class Names:
    """What a whole build knows of names: versions given, places of definition, handles used up."""

    report: Callable[[Diagnostic], None]
    versions: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    defined: dict[str, Span] = field(default_factory=dict)  #: by the steps built so far
    expected: dict[str, Span] = field(default_factory=dict)  #: anywhere in the template
    consumed: dict[Value, Span] = field(default_factory=dict)
    closed: set[Value] = field(default_factory=set)  #: those among them that are no more
    made_from: dict[Value, set[Value]] = field(default_factory=dict)  #: handles of handles
    missed: dict[str, Diagnostic] = field(default_factory=dict)  #: names that stand for nothing
    #: of each inlined template: its scope, where its parameters are declared, who inlines it
    inlined: list[tuple[Scope, dict[str, Span], Span]] = field(default_factory=list)
    poisoned: bool = False  #: an unknown stage may have defined anything

    def new(self, name: str, type_: Type) -> Value:
        """The next version of a name."""
        index = self.versions.get(name, -1) + 1
        self.versions[name] = index
        return Value(name, index, type_)

    def op_name(self, name: str) -> str:
        """A name no other op has: `evaluate`, `evaluate_2`, ..."""
        count = self.taken.get(name, 0) + 1
        candidate = name if count == 1 else f"{name}_{count}"
        while count > 1 and candidate in self.taken:
            count += 1
            candidate = f"{name}_{count}"
        self.taken[name] = count
        self.taken.setdefault(candidate, 1)
        return candidate

    def read(self, scope: Scope, name: str, span: Span) -> Expr:
        """The value of a name read at `span`; an unknown one is reported and absorbed."""
        found = scope.lookup(name)
        if found is None:
            self.missing(scope, name, span)
            return Ref(Value(name, -1, UNKNOWN), span)
        if isinstance(found, Ref):
            if found.value in self.consumed:
                self.stale(name, found.value, span)
            return Ref(found.value, span)
        return found

    def missing(self, scope: Scope, name: str, span: Span) -> None:
        """Note a name that stands for nothing here; it is told once, with all who read it."""
        if self.poisoned:
            return
        told = self.missed.get(name)
        if told is None:
            self.missed[name] = self._missing(scope, name, span)
        elif len(told.secondary) < MOST_READERS:
            also = Label(span, "read here, too")
            self.missed[name] = replace(told, secondary=(*told.secondary, also))

    def _missing(self, scope: Scope, name: str, span: Span) -> Diagnostic:
        if name in self.defined:
            return Diagnostic(
                "K105",
                f"`{name}` is read outside the steps that define it",
                Label(span, "read here"),
                (Label(self.defined[name], f"`{name}` exists only in the steps around here"),),
                "define it before those steps to carry it out of them, or read it inside",
            )
        if name in self.expected:
            return Diagnostic(
                "K104",
                f"`{name}` is read before it is defined",
                Label(span, "read here"),
                (Label(self.expected[name], "defined here, later"),),
                "move the step that defines it up",
            )
        return Diagnostic(
            "K102",
            f"there is no value or parameter `{name}`",
            Label(span, "not defined"),
            (),
            did_you_mean(name, scope.visible()),
        )

    def follow(self, new: Sequence[Value], old: Sequence[Expr], used: Mapping[Value, Span]) -> None:
        """Let new values stand for old ones: what was made from what, and what is used up."""
        pairs = [
            (value, expr.value)
            for value, expr in zip(new, old, strict=True)
            if isinstance(expr, Ref) and value.type.required.kind is Kind.HANDLE
        ]
        for value, before in pairs:
            if before in used:
                self.consumed[value] = used[before]
                self.closed |= {value} if before in self.closed else set()
        for source, made in list(self.made_from.items()):
            again = {value for value, before in pairs if before in made}
            if again:
                now = [value for value, before in pairs if before == source] or [source]
                for start in now:
                    self.made_from.setdefault(start, set()).update(again)

    def consume(self, value: Value, span: Span, *, closing: bool = False) -> None:
        """Note that a stage at `span` made the next version of a handle, or closed it.

        A handle that was made from it, as a sampler is from a session, is out of date with it.
        """
        if value.type.required.kind is Kind.HANDLE:
            self.consumed[value] = span
            self.closed |= {value} if closing else set()
            for made in self.made_from.get(value, ()):
                self.consume(made, span, closing=closing)

    def stale(self, name: str, value: Value, span: Span) -> None:
        """Report a read, at `span`, of a handle that is used up."""
        if value in self.closed:
            self.report(
                Diagnostic(
                    "K109",
                    f"`{name}` is read after it was closed",
                    Label(span, "it is closed by then"),
                    (Label(self.consumed[value], "closed here"),),
                    "read it before that, or make another after",
                )
            )
            return
        if any(value in made for made in self.made_from.values()):
            message = f"`{name}` was made from a handle that has been updated since"
            label, cure = "it is out of date here", "make it again after the update"
        else:
            message = f"`{name}` is an old version of a {value.type.required}"
            label = "the old version is read here"
            cure = (
                "read the name that the update gave it, or bring it out of the inner workflow "
                "with `as:`"
            )
        updated = Label(self.consumed[value], "this step updated it")
        self.report(Diagnostic("K106", message, Label(span, label), (updated,), cure))
