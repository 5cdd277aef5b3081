"""Names that engines accept, each of which stands for one name of a program."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

LIMIT = 63  #: characters in a DNS label (RFC 1123)


def dns_names(names: Iterable[str], limit: int = LIMIT) -> dict[str, str]:
    """A DNS-1123 label for each name, no two alike, readable where that can be.

    A name whose label would be cut, empty, or that of another ends in a hash of itself.
    """
    plain = {name: _plain(name) for name in names}
    taken = Counter(plain.values())
    return {
        name: label if label and len(label) <= limit and taken[label] == 1 and not _hashed(label)
        else f"{label[: limit - 9].rstrip('-') or 'x'}-{_hash(name)}"
        for name, label in plain.items()
    }  # fmt: skip


def _plain(name: str) -> str:
    """The name in lower-case letters, digits and single hyphens, from a letter on."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"x-{label}" if label[:1].isdigit() else label


def _hashed(label: str) -> bool:
    """Whether a label could be that of another name with its hash."""
    return re.search(r"-[0-9a-f]{8}$", label) is not None


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
