"""A disk that fails, that stops, and that forgets: what the commit protocol is tested against.

`FaultySystem` counts the store's calls and does something at one of them. `ForgetfulDisk` logs
them, and gives the states in which a power cut may leave the disk: what was not forced to it may
be there, be gone, be cut short, or be other bytes.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

from kitchen.runtime.store import SystemCalls

# ------------------------------------------------------------------------------ failing, stopping


#: The store's calls where nothing cuts the power, so that nothing need be forced to the disk.
UNFORCED = replace(SystemCalls(), fsync=lambda descriptor: None)


class Killed(BaseException):
    """Stands for the end of the process: nothing reaches the disk after it."""


@dataclass
class FaultySystem:
    """The store's calls, with a fault before the call number `at` (from 1), if that is reached.

    `fault` is "kill" (every later call is dead too), "sigkill" (really), "ENOSPC" or "EIO".
    """

    at: int = 0
    fault: str = "kill"
    calls: list[str] = field(default_factory=list)

    @property
    def fired(self) -> bool:
        return 0 < self.at <= len(self.calls)

    def system(self) -> SystemCalls:
        real = UNFORCED
        names = [item.name for item in fields(SystemCalls)]
        return SystemCalls(**{name: self._wrap(name, getattr(real, name)) for name in names})

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls)
            if number == self.at or (number > self.at > 0 and self.fault == "kill"):
                self._strike(name, real, args, first=number == self.at)
            return real(*args)

        return call

    def _strike(
        self, name: str, real: Callable[..., Any], args: tuple[Any, ...], *, first: bool
    ) -> None:
        if first:
            _do_half(name, real, args)
        if name == "close":  # a close that fails has closed all the same
            real(*args)
        if self.fault == "sigkill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "kill":
            raise Killed
        raise OSError(getattr(errno, self.fault), os.strerror(getattr(errno, self.fault)))


def _do_half(name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if name == "write":
        descriptor, data = args
        real(descriptor, data[: len(data) // 2])
    if name == "rmtree":
        next(path for path in sorted(args[0].rglob("*")) if path.is_file()).unlink()


def in_child(act: Callable[[], None]) -> int:
    """Run something in a forked process; gives its wait status."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


# ------------------------------------------------------------------------------------- forgetting

ROOT = 0
Node = dict[str, int] | bytearray


@dataclass(frozen=True)
class Write:
    node: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Name:
    """A name in a folder comes to stand for a node, or for nothing; `old` is let go with it."""

    folder: int
    name: str
    node: int | None
    old: str | None = None


@dataclass(frozen=True)
class Sync:
    node: int


Entry = Write | Name | Sync
State = tuple[tuple[str, bytes | None], ...]  #: paths with their bytes; None for a folder

WRITE_FATES = ("kept", "dropped", "cut", "zeroed", "garbage")
NAME_FATES = ("kept", "dropped")


class ForgetfulDisk:
    """Logs what the store does under a folder, for real, and gives the states after a power cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: list[Entry] = []
        self.nodes: dict[int, Node] = {ROOT: {}}
        self._open: dict[int, int] = {}
        self._load(root, ROOT)
        self.initial = {node: _copy(content) for node, content in self.nodes.items()}

    def system(self) -> SystemCalls:
        return SystemCalls(
            open=self._do_open,
            write=self._do_write,
            fsync=self._do_fsync,
            close=self._do_close,
            rename=self._do_rename,
            mkdir=self._do_mkdir,
            unlink=self._do_unlink,
            rmtree=self._do_rmtree,
        )

    def states(self, samples: int, seed: int = 0) -> Iterator[tuple[int, State]]:
        """After each entry of the log: every state, or so many of them, each once."""
        random_source = random.Random(seed)
        seen: set[tuple[bool, State]] = set()
        for end in range(len(self.log) + 1):
            for fates in _fates(self._pending(end), samples, random_source):
                state = self._state(end, fates)
                if (end == len(self.log), state) not in seen:
                    seen.add((end == len(self.log), state))
                    yield end, state

    def _pending(self, end: int) -> list[int]:
        """Entries before `end` that nothing has forced to the disk."""
        synced: set[int] = set()
        pending = []
        for index in reversed(range(end)):
            match self.log[index]:
                case Sync(node=node):
                    synced.add(node)
                case Write(node=node) | Name(folder=node) if node not in synced:
                    pending.append(index)
        return pending[::-1]

    def _state(self, end: int, fates: dict[int, str]) -> State:
        nodes = {node: _copy(content) for node, content in self.initial.items()}
        for index, entry in enumerate(self.log[:end]):
            _apply(nodes, entry, fates.get(index, "kept"), self.nodes)
        return tuple(_paths(nodes, ROOT, ""))

    # --------------------------------------------------------------------------- what is logged

    def _record(self, entry: Entry) -> None:
        self.log.append(entry)
        _apply(self.nodes, entry, "kept", self.nodes)

    def _node(self, path: Path) -> int:
        node = ROOT
        for part in path.relative_to(self.root).parts:
            folder = self.nodes[node]
            assert isinstance(folder, dict)
            node = folder[part]
        return node

    def _knows(self, path: Path) -> bool:
        try:
            return self._node(path) >= ROOT
        except KeyError:
            return False

    def _new(self, path: Path, content: Node) -> None:
        node = len(self.nodes)
        self.nodes[node] = content
        self._record(Name(self._node(path.parent), path.name, node))

    def _do_open(self, path: Path, flags: int) -> int:
        descriptor = SystemCalls().open(path, flags)
        if not self._knows(path) or flags & os.O_TRUNC:  # a name cut to nothing is a new file
            self._new(path, {} if path.is_dir() else bytearray())
            if data := b"" if path.is_dir() else path.read_bytes():  # written by other means
                self._record(Write(self._node(path), 0, data))
        self._open[descriptor] = self._node(path)
        return descriptor

    def _do_write(self, descriptor: int, data: memoryview) -> int:
        written = os.write(descriptor, data)
        node = self._open[descriptor]
        content = self.nodes[node]
        self._record(Write(node, len(content), bytes(data[:written])))
        return written

    def _do_fsync(self, descriptor: int) -> None:
        self._record(Sync(self._open[descriptor]))

    def _do_close(self, descriptor: int) -> None:
        os.close(descriptor)
        del self._open[descriptor]

    def _do_rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)
        assert source.parent == target.parent
        node = self._node(source)
        self._record(Name(self._node(source.parent), target.name, node, old=source.name))

    def _do_mkdir(self, path: Path) -> None:
        os.mkdir(path)
        self._new(path, {})

    def _do_unlink(self, path: Path) -> None:
        os.unlink(path)
        self._record(Name(self._node(path.parent), path.name, None))

    def _do_rmtree(self, path: Path) -> None:
        for parent, folders, files in os.walk(path, topdown=False):
            for name in files:
                self._do_unlink(Path(parent, name))
            for name in folders:
                os.rmdir(Path(parent, name))
                self._record(Name(self._node(Path(parent)), name, None))
        os.rmdir(path)
        self._record(Name(self._node(path.parent), path.name, None))

    def _load(self, folder: Path, node: int) -> None:
        names = self.nodes[node]
        assert isinstance(names, dict)
        for path in sorted(folder.iterdir()):
            names[path.name] = len(self.nodes)
            self.nodes[names[path.name]] = {} if path.is_dir() else bytearray(path.read_bytes())
            if path.is_dir():
                self._load(path, names[path.name])


def materialise(state: State, root: Path) -> None:
    """Make a folder that holds a state."""
    root.mkdir(parents=True)
    for path, content in state:
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)


def _fates(
    pending: Sequence[int], samples: int, random_source: random.Random
) -> Iterator[dict[int, str]]:
    """What becomes of each pending entry: all combinations where they are few."""
    if len(pending) <= 2:
        for fates in product(WRITE_FATES, repeat=len(pending)):
            yield dict(zip(pending, fates, strict=True))
        return
    for fate in WRITE_FATES:
        yield dict.fromkeys(pending, fate)
    for index in pending:  # one lost, and one alone kept
        yield {index: "dropped"}
        yield {other: "kept" if other == index else "dropped" for other in pending}
    for _ in range(samples):
        yield {index: random_source.choice(WRITE_FATES) for index in pending}


def _apply(nodes: dict[int, Node], entry: Entry, fate: str, born: dict[int, Node]) -> None:
    match entry:
        case Write(node=node, offset=offset, data=data):
            content = nodes.setdefault(node, bytearray())
            assert isinstance(content, bytearray)
            if fate != "dropped":
                new = _changed(data, fate)
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(new)] = new
        case Name(folder=folder, name=name, node=new_node, old=old) if fate != "dropped":
            names = nodes.setdefault(folder, {})
            assert isinstance(names, dict)
            if old is not None:
                names.pop(old, None)
            if new_node is None:
                names.pop(name, None)
            else:
                names[name] = new_node
                nodes.setdefault(new_node, type(born[new_node])())


def _changed(data: bytes, fate: str) -> bytes:
    match fate:
        case "cut":
            return data[: len(data) // 2]
        case "zeroed":
            return bytes(len(data))
        case "garbage":
            return bytes(byte ^ 0x5A for byte in data)
    return data


def _copy(content: Node) -> Node:
    return dict(content) if isinstance(content, dict) else bytearray(content)


def _paths(nodes: dict[int, Node], node: int, prefix: str) -> Iterator[tuple[str, bytes | None]]:
    names = nodes[node]
    assert isinstance(names, dict)
    for name, child in sorted(names.items()):
        content = nodes[child]
        if isinstance(content, dict):
            yield prefix + name, None
            yield from _paths(nodes, child, f"{prefix}{name}/")
        else:
            yield prefix + name, bytes(content)


# ---------------------------------------------------------------------------------------- mutants


def mutated(module: ModuleType, difference: str = "") -> ModuleType:
    """A copy of a module, changed by a difference: lines to keep, after "-" to drop, "+" to add."""
    assert module.__file__
    source = Path(module.__file__).read_text()
    lines = difference.lstrip("\n").splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] != "+")
    new = "".join(line[1:] for line in lines if line[0] != "-")
    if difference:
        assert source.count(old) == 1, f"{source.count(old)} places in {module} hold:\n{old}"
        source = source.replace(old, new)
    mutant = ModuleType(f"{module.__name__}_mutant")
    mutant.__file__ = module.__file__
    sys.modules[mutant.__name__] = mutant  # dataclasses look their module up
    exec(compile(source, module.__file__, "exec"), mutant.__dict__)
    return mutant
