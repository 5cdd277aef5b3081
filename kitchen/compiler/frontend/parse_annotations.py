"""Annotations of a stage step: retry, timeout, resources, cache and image."""

from __future__ import annotations

import re

from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.compiler.frontend.scalars import ScalarError, resolve
from kitchen.compiler.frontend.shapes import Fields, fields, mapping, scalar
from kitchen.compiler.frontend.syntax import Node, Scalar
from kitchen.ir.program import NO_ANNOTATIONS, Annotations, Resources, Retry

ANNOTATIONS = ("retry", "timeout", "resources", "cache", "image")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_MEMORY = re.compile(r"[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")


def parse_annotations(found: Fields, report: Report) -> Annotations:
    """What a stage step says about how it is to be run."""
    if not any(key in found for key in ANNOTATIONS):
        return NO_ANNOTATIONS
    return Annotations(
        retry=_retry(found, report),
        timeout=_duration(found, "timeout", report),
        resources=_resources(found, report),
        cache=_flag(found, "cache", report),
        image=_matching(found, "image", _IMAGE, "the name of a container image", report),
    )


def _retry(found: Fields, report: Report) -> Retry | None:
    if "retry" not in found:
        return None
    node = mapping(found["retry"][1], "`retry`", report, help="write `retry: {times: 3}`")
    if node is None:
        return None
    parts = fields(
        node, ("times", "backoff", "max_backoff"), "`retry`", report, required=("times",)
    )
    times = _number(parts, "times", report, minimum=1, maximum=1000, whole=True)
    waits = {key: _duration(parts, key, report) for key in ("backoff", "max_backoff")}
    given = {key: seconds for key, seconds in waits.items() if seconds is not None}
    return Retry(times=1 if times is None else int(times), **given)


def _resources(found: Fields, report: Report) -> Resources | None:
    if "resources" not in found:
        return None
    help = "write `resources: {gpu: 1, memory: 16Gi}`"
    node = mapping(found["resources"][1], "`resources`", report, help=help)
    if node is None:
        return None
    parts = fields(node, ("cpu", "memory", "gpu", "nodes"), "`resources`", report)
    gpu = _number(parts, "gpu", report, minimum=0, maximum=1024, whole=True)
    nodes = _number(parts, "nodes", report, minimum=1, maximum=65536, whole=True)
    return Resources(
        cpu=_number(parts, "cpu", report, minimum=0.001, maximum=65536),
        memory=_matching(parts, "memory", _MEMORY, "an amount of memory such as `4Gi`", report),
        gpu=None if gpu is None else int(gpu),
        nodes=None if nodes is None else int(nodes),
    )


def _duration(found: Fields, key: str, report: Report) -> float | None:
    """Seconds: a number, or a number with `ms`, `s`, `m`, `h` or `d`."""
    text = _matching(found, key, _DURATION, "a time such as `30s`, `5m` or seconds", report)
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    assert match is not None
    return float(match[1]) * _SECONDS[match[2] or "s"]


def _number(
    found: Fields,
    key: str,
    report: Report,
    *,
    minimum: float,
    maximum: float,
    whole: bool = False,
) -> float | None:
    if key not in found:
        return None
    node = scalar(*found[key], report)
    if node is None:
        return None
    value = _value(node)
    right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if right and minimum <= value <= maximum:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    wanted = "a whole number" if whole else "a number"
    message = f"`{key}` is {wanted} from {minimum:g} to {maximum:g}, not `{short(node.text)}`"
    report(fault("K026", message, node.span))
    return None


def _flag(found: Fields, key: str, report: Report) -> bool | None:
    if key not in found:
        return None
    node = scalar(*found[key], report)
    if node is None:
        return None
    value = _value(node)
    if isinstance(value, bool):
        return value
    report(fault("K026", f"`{key}` is `true` or `false`, not `{short(node.text)}`", node.span))
    return None


def _matching(
    found: Fields, key: str, pattern: re.Pattern[str], meaning: str, report: Report
) -> str | None:
    if key not in found:
        return None
    node = scalar(*found[key], report)
    if node is None or pattern.fullmatch(node.text):
        return None if node is None else node.text
    report(fault("K026", f"`{key}` is {meaning}, not `{short(node.text)}`", node.span))
    return None


def _value(node: Node) -> object:
    if not isinstance(node, Scalar) or not node.plain:
        return node.text if isinstance(node, Scalar) else None
    try:
        return resolve(node.text)
    except ScalarError:
        return None
