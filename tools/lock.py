"""Write requirements.lock: everything `kitchen[dev]` needs, as it is installed here.

    .venv/bin/python tools/lock.py           write it
    .venv/bin/python tools/lock.py --check   exit 1 if it is not what is installed

The lock is installed with `pip install --no-deps`, so nothing in it can pull in another build of
torch; a missing requirement is therefore an error here, not something pip finds later. Versions
are written without their local part: `2.13.0` is found both as a plain and as a CPU wheel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parent.parent / "requirements.lock"
ROOT = "kitchen"
HEADER = """\
# Written by tools/lock.py; `make lock` writes it again from what is installed.
# Install with: pip install --no-deps -r requirements.lock
"""


def requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """What an installed distribution requires here, with these of its extras."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        environments = [{**default_environment(), "extra": extra} for extra in extras | {""}]
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def closure(root: str, extras: frozenset[str]) -> dict[str, str]:
    """Name and version of every distribution that `root` needs, directly or not."""
    waiting, seen, found = [(root, extras)], set[tuple[str, frozenset[str]]](), dict[str, str]()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        if name != root:
            found[name] = metadata.version(name).partition("+")[0]
        waiting += [
            (canonicalize_name(requirement.name), frozenset(requirement.extras))
            for requirement in requirements(name, wanted)
        ]
    return found


def main() -> int:
    pins = closure(ROOT, frozenset({"dev"}))
    text = HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    if "--check" in sys.argv[1:]:
        same = LOCK.read_text(encoding="utf-8") == text
        print("requirements.lock", "is" if same else "is not", "what is installed")
        return 0 if same else 1
    LOCK.write_text(text, encoding="utf-8")
    print(f"requirements.lock: {len(pins)} distributions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
