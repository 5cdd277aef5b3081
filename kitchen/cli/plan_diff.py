"""Two plans compared by what they mean: names and places of what stayed the same do not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

Json = dict[str, Any]

#: What an op is, beside the ops inside it. Values are compared by name, not by version.
_MEANING = (
    "inputs", "computed", "condition", "over", "while", "until", "max", "max_parallel",
    "checkpoint", "annotations",
)  # fmt: skip
_REGIONS = ("ops", "then", "else")


def plan_diff(before: Json, after: Json) -> Json:
    """What was added, removed and changed, in parameters, ports and steps."""
    return {
        "version": 1,
        "same": before["digest"] == after["digest"],
        "before": {"recipe": before["recipe"], "digest": before["digest"]},
        "after": {"recipe": after["recipe"], "digest": after["digest"]},
        "params": [*_mappings(before["params"], after["params"], ("value",))],
        "ports": [*_mappings(before["ports"], after["ports"], ("adapter", "config"))],
        "ops": [
            change
            for region in ("ops", "on_failure", "finally")
            for change in _ops(before[region], after[region], ())
        ],
    }


def _mappings(before: Json, after: Json, keys: tuple[str, ...]) -> Iterator[Json]:
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            given = {key: (old or new or {}).get(key) for key in keys}
            yield {"change": "removed" if new is None else "added", "name": name, **given}
            continue
        changed = {key: [old.get(key), new.get(key)] for key in keys if old[key] != new[key]}
        if changed:
            yield {"change": "changed", "name": name, "settings": changed}


def _ops(before: list[Json], after: list[Json], path: tuple[str, ...]) -> Iterator[Json]:
    """Ops are matched in order, by what they do; what has no match was added or removed."""
    old, new = [_kind(op) for op in before], [_kind(op) for op in after]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            for one, other in zip(before[start:end], after[first:last], strict=True):
                yield from _changed(one, other, path)
            continue
        yield from (_whole("removed", op, path) for op in before[start:end])
        yield from (_whole("added", op, path) for op in after[first:last])


def _kind(op: Json) -> tuple[str, str]:
    if op["kind"] == "branch":
        inside = [_kind(inner) for region in ("then", "else") for inner in op[region]]
        return "branch", str(inside[:1])
    return op["kind"], op.get("stage") or op["name"]


def _changed(before: Json, after: Json, path: tuple[str, ...]) -> Iterator[Json]:
    old, new = _settings(before), _settings(after)
    changed = {
        key: [old.get(key), new.get(key)] for key in {**old, **new} if old.get(key) != new.get(key)
    }
    if changed:
        yield {
            "change": "changed",
            "name": after["name"],
            "path": list(path),
            "span": after["span"],
            "settings": changed,
        }
    for region in _REGIONS:
        if region in before:
            inside = (*path, after["name"])
            yield from _ops(before[region], after[region], inside)


def _whole(change: str, op: Json, path: tuple[str, ...]) -> Json:
    return {"change": change, "name": op["name"], "path": list(path), "span": op["span"]}


def _settings(op: Json) -> Json:
    """All that an op's meaning hangs on, flat: a setting by its name, defaults filled in."""
    settings: Json = {**op.get("defaults", {}), **op.get("config", {})}
    for key in _MEANING:
        match op.get(key):
            case None | "":
                continue
            case Mapping() as parts:
                settings |= {name: _unversioned(part) for name, part in parts.items()}
            case part:
                settings[key] = part
    return settings


def _unversioned(part: object) -> object:
    """`%session.3` is `session`: which version it is follows from the steps around."""
    if isinstance(part, str) and part.startswith("%"):
        name, _, version = part[1:].rpartition(".")
        return name if version.isdecimal() else part[1:]
    return part
