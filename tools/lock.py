"""Write a lock: everything that kitchen with one of its extras needs, as it is installed here.

    .venv/bin/python tools/lock.py dev            write requirements.lock
    .venv/bin/python tools/lock.py dev --check    exit 1 if it is not what is installed
    .venv-bench/bin/python tools/lock.py bench    write requirements-bench.lock
    .venv-airflow/bin/python tools/lock.py airflow
                                                  write requirements-airflow.lock, without kitchen

The lock is installed with `pip install --no-deps`, so nothing in it can pull in another build of
torch; a missing requirement is therefore an error here, not something pip finds later. Versions
are written without their local part: `2.13.0` is found both as a plain and as a CPU wheel.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
AIRFLOW = ("apache-airflow", "apache-airflow-providers-cncf-kubernetes")
LOCKS = {
    "dev": ROOT / "requirements.lock",
    "bench": ROOT / "requirements-bench.lock",
    "airflow": ROOT / "requirements-airflow.lock",
    "airflow2": ROOT / "requirements-airflow2.lock",
}
HEADER = """\
# Written by tools/lock.py from what is installed; `make lock` writes it again.
# Install with: pip install --no-deps -r {name}
"""

#: Required by others and left out: it reports what a developer does to its makers.
LEFT_OUT = {"kedro-telemetry"}


def requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """What an installed distribution requires here, with these of its extras."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def closure(root: str, extras: frozenset[str]) -> dict[str, str]:
    """Name and version of every distribution that `root` needs, directly or not."""
    waiting, seen, found = [(root, extras)], set[tuple[str, frozenset[str]]](), dict[str, str]()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen or name in LEFT_OUT:
            continue
        seen.add((name, wanted))
        if name != root:
            found[name] = metadata.version(name).partition("+")[0]
        waiting += [
            (canonicalize_name(requirement.name), frozenset(requirement.extras))
            for requirement in requirements(name, wanted)
        ]
    return found


def pinned(extra: str) -> dict[str, str]:
    """What an environment has to have: for kitchen with an extra, or for Airflow by itself."""
    if not extra.startswith("airflow"):
        return closure("kitchen", frozenset({extra}))
    found: dict[str, str] = {}
    for root in AIRFLOW:
        found |= {root: metadata.version(root)} | closure(root, frozenset())
    return found


def main(extra: str, *, check: bool) -> int:
    lock, pins = LOCKS[extra], pinned(extra)
    text = HEADER.format(name=lock.name)
    text += "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    if check:
        same = lock.read_text(encoding="utf-8") == text
        print(lock.name, "is" if same else "is not", "what is installed")
        return 0 if same else 1
    lock.write_text(text, encoding="utf-8")
    print(f"{lock.name}: {len(pins)} distributions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], check="--check" in sys.argv[2:]))
