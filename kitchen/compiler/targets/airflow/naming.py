"""Ids of Airflow's tasks and names of Python's variables: each stands for one thing."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re

LIMIT = 250  #: characters in an id (Airflow's `KEY_LENGTH`)
ROOM = 60  #: of these, for what is put behind a name: iterations, and what the task does


def task_id(name: str) -> str:
    """The id of a task: its name with dots for slashes, or what can be shown of it and a hash.

    There is a `-` in none but the latter, so what is put behind a `-` is never part of a name.
    """
    if len(name) <= LIMIT - ROOM and re.fullmatch(r"\w+(/\w+)*", name, re.ASCII):
        return name.replace("/", ".")
    return _hashed(name)


def dag_id(name: str) -> str:
    """The id of a DAG: the recipe's name, or what can be shown of it and a hash."""
    fits = re.fullmatch(r"[\w.-]+", name, re.ASCII) and len(name) <= LIMIT - ROOM
    return name if fits and not re.search(r"-[0-9a-f]{10}$", name) else _hashed(name)


def _hashed(name: str) -> str:
    plain = re.sub(r"\W+", ".", name, flags=re.ASCII).strip(".")
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:10]
    return f"{plain[: LIMIT - ROOM - 11].rstrip('.') or 'x'}-{digest}"


class Variables:
    """Names of variables, no two alike."""

    def __init__(self, taken: frozenset[str]) -> None:
        words = {*taken, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self._taken = dict.fromkeys(words, 1)  #: each with the last number behind it

    def of(self, identity: str) -> str:
        """A variable for the task of an id."""
        plain = re.sub(r"\W", "_", identity, flags=re.ASCII)[:60]
        plain = f"_{plain}" if plain[:1].isdigit() else plain
        found, number = plain, self._taken.get(plain, 0)
        while found in self._taken:
            number += 1
            found = f"{plain}_{number}"
        self._taken |= {plain: number, found: 1}
        return found
