"""Calls of templates: what Argo is told of one node of a DAG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kitchen.ir.frozen import frozen

Json = dict[str, object]


@frozen
class Term:
    """One thing that a call waits for: a call that has succeeded, or was rightly left out."""

    call: str
    may_be_left_out: bool = False


@frozen
class Over:
    """What a call is repeated for: places that are told, or as many as are known."""

    told: str = ""
    count: int = 0


@frozen(kw_only=True)
class Call:
    """A call of a template. Its own name and those in `waits` are names of the program."""

    name: str
    template: str
    arguments: tuple[tuple[str, str], ...] = ()
    waits: tuple[Term, ...] = ()
    when: str = ""
    over: Over | None = None

    def end(self) -> Term:
        """What it takes for the call to be over; a list of places may be empty."""
        return Term(self.name, bool(self.when) or bool(self.over and self.over.told))


@frozen
class Callee:
    """A template with the arguments that are the same in each call; `task` is what it runs.

    `key` is what it leaves is called, if that is kept: in each call with the place behind it.
    """

    template: str
    given: tuple[tuple[str, str], ...] = ()
    task: str = ""
    key: str = ""

    def call(
        self,
        name: str = "",
        *,
        waits: tuple[Term, ...] = (),
        at: str = "",
        when: str = "",
        over: Over | None = None,
        named: bool = False,
    ) -> Call:
        """A call; of a single task it has that task's name, unless it is `named` otherwise."""
        arguments = (*self.given[:1], ("at", at), *self.given[1:]) if at else self.given
        if self.key:
            arguments += (("key", f"{self.key}@{at}" if at else self.key),)
        return Call(
            name=name if named else self.task or name,
            template=self.template,
            arguments=arguments,
            waits=waits,
            when=when,
            over=over,
        )


AT = "{{inputs.parameters.at}}"
ITEM = "{{item}}"
LISTED = 20  #: places that are written out; more are counted


def spelled(call: Call, names: Mapping[str, str]) -> Json:
    """A call as Argo reads it; every result that it waits for is named."""
    task: Json = {"name": names[call.name]}
    if call.waits:
        task["depends"] = depends(call.waits, names)
    if call.when:
        task["when"] = call.when
    if call.over is not None:
        task.update(_repeated(call.over))
    task["template"] = call.template
    if call.arguments:
        task["arguments"] = {"parameters": parameters(call.arguments)}
    return task


def _repeated(over: Over) -> Json:
    if over.told:
        return {"withParam": over.told}
    if over.count <= LISTED:
        return {"withItems": [str(index) for index in range(over.count)]}
    return {"withSequence": {"count": str(over.count)}}


def depends(waits: Iterable[Term], names: Mapping[str, str]) -> str:
    """The rule of every edge into a call, in Argo's words."""
    terms = []
    for term in dict.fromkeys(waits):
        name = names[term.call]
        done = f"{name}.Succeeded"
        terms.append(f"{done} || {name}.Skipped" if term.may_be_left_out else done)
    if len(terms) == 1:
        return terms[0]
    return " && ".join(f"({term})" if "||" in term else term for term in terms)


def parameters(given: Sequence[tuple[str, str]]) -> list[Json]:
    """Parameters with their values, which are texts."""
    return [{"name": name, "value": value} for name, value in given]


def declared(names: Iterable[str], **defaults: str) -> Json:
    """The parameters that a template takes."""
    given: list[Json] = [
        {"name": name, "default": defaults[name]} if name in defaults else {"name": name}
        for name in names
    ]
    return {"parameters": given}
