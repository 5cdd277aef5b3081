"""When a schedule comes: five fields of cron, as every engine reads them.

Grammar: IEEE Std 1003.1, `crontab`, with steps and names of months and days. What engines read in
different ways (`7` for Sunday, `FRI-MON`, `5/10`) is left out.
"""

from __future__ import annotations

import re

FIELDS = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day of the month": (1, 31, ()),
    "month": (1, 12, ("jan", "feb", "mar", "apr", "may", "jun",
                      "jul", "aug", "sep", "oct", "nov", "dec")),
    "day of the week": (0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
}  # fmt: skip

#: Words for what is asked for most. They are written out, since engines know different ones.
DESCRIPTORS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  #: days, by month
_PART = re.compile(r"(\*|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>[0-9]+))?", re.ASCII)


class CronError(Exception):
    """A schedule that cannot be followed: the part of the text, what is wrong, and the cure."""

    def __init__(self, start: int, end: int, message: str, help: str) -> None:
        super().__init__(message)
        self.start, self.end, self.message, self.help = start, end, message, help


def cron_of(text: str) -> str:
    """The five fields that a text stands for. Raises CronError.

    >>> cron_of("@daily"), cron_of("*/15  8-18 * * mon-fri")
    ('0 0 * * *', '*/15 8-18 * * mon-fri')
    """
    word = text.strip().lower()
    if word in DESCRIPTORS:
        return DESCRIPTORS[word]
    if word.startswith("@"):
        known = ", ".join(f"`{name}`" for name in DESCRIPTORS)
        raise CronError(0, len(text), "there is no such time", f"known: {known}")
    found = list(re.finditer(r"\S+", text))
    if len(found) != len(FIELDS):
        message = f"a schedule has five fields, this one has {len(found)}"
        help = f"write {', '.join(FIELDS)}: `0 3 * * *` is every day at three"
        raise CronError(0, len(text), message, help)
    times = [
        _field(field[0], name, field.start()) for field, name in zip(found, FIELDS, strict=True)
    ]
    days, months = times[2], times[3]
    if found[4][0] == "*" and min(days) > max(_LONGEST[month - 1] for month in months):
        message = f"day {min(days)} does not come in the months that are named"
        raise CronError(found[2].start(), found[3].end(), message, "name a day that comes")
    return " ".join(field[0] for field in found)


def _field(text: str, name: str, start: int) -> set[int]:
    """The times that one field stands for."""
    times: set[int] = set()
    for part in text.split(","):
        times |= _part(part, name, start)
        start += len(part) + 1
    return times


def _part(text: str, name: str, start: int) -> set[int]:
    lowest, highest, names = FIELDS[name]
    end = start + max(len(text), 1)
    help = f"write {lowest} to {highest}"
    help += f" or `{names[0]}` to `{names[-1]}`" if names else ""

    def number(word: str) -> int:
        if word.isdigit() and len(word) <= 2 and lowest <= int(word) <= highest:
            return int(word)
        if word.lower() in names:
            return lowest + names.index(word.lower())
        cure = "Sunday is `0`" if (word, lowest, highest) == ("7", 0, 6) else help
        raise CronError(start, end, f"`{word}` is no {name}", cure)

    match = _PART.fullmatch(text)
    if match is None:
        message = f"`{text}` is no {name}" if text else f"no {name} stands here"
        raise CronError(start, end, message, f"{help}, `*`, `a-b`, `a,b` or `*/n`")
    first = lowest if match["first"] is None else number(match["first"])
    last = highest if match["first"] is None else number(match["last"] or match["first"])
    step = int(match["step"] or "1") if len(match["step"] or "1") <= 2 else highest + 1
    if match["step"] and match["first"] and not match["last"]:
        cure = f"write `{first}-{highest}/{step}`"
        raise CronError(start, end, f"`{text}` is read in two ways by different engines", cure)
    if not 1 <= step <= highest:
        cure = f"a step is 1 to {highest}"
        raise CronError(start, end, f"`{match['step']}` is no step", cure)
    if first > last:
        raise CronError(start, end, f"`{text}` ends before it begins", "write two parts: `a,b`")
    return set(range(first, last + 1, step))
