"""`schedule:` and `targets:` of a recipe: what engines are told, and nothing that is computed."""

from __future__ import annotations

from collections.abc import Iterable

from kitchen.compiler.frontend.cron import CronError, cron_of
from kitchen.compiler.frontend.data import UNREADABLE, plain_data
from kitchen.compiler.frontend.positions import Positions
from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.compiler.frontend.shapes import Fields, fields, mapping, scalar
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar
from kitchen.ir.deployment import Deployment, Place, Schedule, Section
from kitchen.ir.diagnostic import Diagnostic, closest, did_you_mean
from kitchen.ir.source import Span

UTC = "UTC"


def parse_deployment(found: Fields, report: Report) -> Deployment:
    """What a recipe says of the engines that it is exported to."""
    return Deployment(schedule=_schedule(found, report), sections=_sections(found, report))


def unknown_targets(deployment: Deployment, known: Iterable[str]) -> list[Diagnostic]:
    """A fault for each section of an engine that nothing can be exported to."""
    names = [*known]
    return [
        fault("K553", f"there is no target `{short(name)}`", section.keys.get(()),
              "unknown target", help=did_you_mean(name, names))
        for name, section in deployment.sections.items() if name not in names
    ]  # fmt: skip


def _schedule(found: Fields, report: Report) -> Schedule | None:
    """`schedule: CRON` or `schedule: {cron: CRON, timezone: ZONE}`."""
    if "schedule" not in found:
        return None
    key, node = found["schedule"]
    zone = None
    if isinstance(node, Mapping):
        parts = fields(node, ("cron", "timezone"), "`schedule`", report, required=("cron",))
        if "cron" not in parts:
            return None
        zone = scalar(*parts["timezone"], report) if "timezone" in parts else None
        key, node = parts["cron"]
    written = scalar(key, node, report)
    if written is None:
        return None
    cron = _cron(written, report)
    timezone = UTC if zone is None else _timezone(zone, report)
    return None if cron is None else Schedule(cron, timezone, written.span)


def _cron(written: Scalar, report: Report) -> str | None:
    try:
        return cron_of(written.text)
    except CronError as cause:
        at = Positions(written).part(cause.start, cause.end) if written.text else written.span
        message = f"`{short(written.text)}` is no schedule"
        report(fault("K551", message, at, cause.message, help=cause.help))
        return None


def _timezone(written: Scalar, report: Report) -> str:
    """The name of a time zone; the machine's own, which is another elsewhere, is none."""
    from zoneinfo import available_timezones

    if written.text == UTC:
        return UTC
    known = available_timezones() - {"localtime", "Factory"}
    if written.text in known:
        return written.text
    by_case = {name.lower(): name for name in sorted(known)}
    meant = closest(written.text.lower(), by_case)
    help = "names are those of the IANA database, such as `Europe/Berlin`"
    if meant is not None:
        help = f"did you mean `{by_case[meant]}`?"
    elif not known:
        help = "no time zones are installed here: `pip install tzdata` brings them"
    message = f"there is no time zone `{short(written.text)}`"
    report(fault("K552", message, written.span, "unknown time zone", help=help))
    return UTC


def _sections(found: Fields, report: Report) -> dict[str, Section]:
    """`targets: {NAME: {key: value}}`, each section as plain data with its places."""
    if "targets" not in found:
        return {}
    node = mapping(found["targets"][1], "`targets`", report)
    sections = {}
    for key, value in node.items if node is not None else ():
        section = mapping(value, f"the section of `{short(key.text)}`", report)
        if section is None:
            continue
        values = plain_data(section, None, report)
        keys: dict[Place, Span] = {(): key.span}
        spans: dict[Place, Span] = {}
        _places(section, (), keys, spans)
        if values is not UNREADABLE:
            assert isinstance(values, dict), "the data of a mapping"
            sections[key.text] = Section(values, spans, keys)
    return sections


def _places(node: Node, at: Place, keys: dict[Place, Span], spans: dict[Place, Span]) -> None:
    """Where each value of a section stands, and each key."""
    spans[at] = node.span
    match node:
        case Mapping():
            for key, value in node.items:
                keys[(*at, key.text)] = key.span
                _places(value, (*at, key.text), keys, spans)
        case Scalar():
            return
        case _:
            for number, item in enumerate(node.items):
                _places(item, (*at, number), keys, spans)
