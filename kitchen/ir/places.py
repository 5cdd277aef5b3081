"""Places: where in maps and loops a task runs, and what that makes it be called.

Each cut map and each cut loop around a task adds one index; a place is those indices, outermost
first, joined by dots: `""` at the top, `"2"`, `"2.0"`. Branches add none.
"""

from __future__ import annotations

import hashlib

Place = tuple[int, ...]

LONGEST = 160  #: bytes of a name in a file's name; a place and an ending come behind it


def place_text(place: Place) -> str:
    """A place as it is written."""
    return ".".join(map(str, place))


def parse_place(text: str) -> Place:
    """The place that a text stands for. Raises ValueError where it stands for none."""
    if not text:
        return ()
    parts = text.split(".")
    if not all(part.isascii() and part.isdecimal() and str(int(part)) == part for part in parts):
        raise ValueError(f"`{text}` is no place")
    return tuple(map(int, parts))


def file_name(name: str) -> str:
    """What a task or group is called in the names of files; no two are called the same.

    >>> file_name("reward/session")
    'reward.session'
    """
    plain = name.replace("/", ".")
    written = plain.encode()
    if len(written) <= LONGEST:
        return plain
    digest = hashlib.sha256(written).hexdigest()[:16]
    return f"{written[: LONGEST - 17].decode(errors='ignore')}~{digest}"


def instance_key(name: str, place: Place) -> str:
    """What a task at a place is called: the name of its folder."""
    return f"{file_name(name)}@{place_text(place)}" if place else file_name(name)
