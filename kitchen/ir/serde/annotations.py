"""How a stage is to be run, as JSON and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kitchen.ir.program import NO_ANNOTATIONS, Annotations, Resources, Retry
from kitchen.ir.serde.shapes import Object


def annotations_to_json(notes: Annotations) -> dict[str, Any]:
    written: dict[str, Any] = {"timeout": notes.timeout, "cache": notes.cache, "image": notes.image}
    for key, part in (("retry", notes.retry), ("resources", notes.resources)):
        if part is not None:
            written[key] = asdict(part)
    return {key: part for key, part in written.items() if part is not None}


def annotations_from_json(data: dict[str, Any] | None) -> Annotations:
    if data is None:
        return NO_ANNOTATIONS
    found = Object(data, "the annotations of a stage")
    retry, resources = found.maybe("retry", dict), found.maybe("resources", dict)
    return Annotations(
        retry=None if retry is None else _retry(Object(retry, "a retry")),
        timeout=found.number("timeout"),
        resources=None if resources is None else _resources(Object(resources, "resources")),
        cache=found.maybe("cache", bool),
        image=found.maybe("image", str),
    )


def _retry(found: Object) -> Retry:
    return Retry(
        found.get("times", int),
        found.number("backoff") or 0.0,
        found.number("max_backoff") or 0.0,
    )


def _resources(found: Object) -> Resources:
    return Resources(
        found.number("cpu"),
        found.maybe("memory", str),
        found.maybe("gpu", int),
        found.maybe("nodes", int),
    )
