"""Commits over an older version, and how a reader finds what is there after a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from kitchen.runtime import run_directory, store
from kitchen.runtime.manifest import StorageError
from tests.runtime.faulty_disk import (
    UNFORCED,
    FaultySystem,
    ForgetfulDisk,
    Killed,
    in_child,
    materialise,
    mutated,
)

OLD, NEW = b"old " * 50, b"newer" * 60


@dataclass(frozen=True)
class Modules:
    """The modules under test: the real ones, or mutants of them."""

    store: ModuleType = store
    run_directory: ModuleType = run_directory

    @classmethod
    def with_mutant(cls, module: ModuleType, difference: str) -> Modules:
        """The real modules but for one, and those that use it."""
        mutant = mutated(module, difference)
        if module is run_directory:
            return cls(run_directory=mutant)
        writer = mutant if module is store else _using(store, module, mutant)
        user = mutated(run_directory)
        user.store = writer  # type: ignore[attr-defined]
        return cls(store=writer, run_directory=user)


def _using(user: ModuleType, module: ModuleType, mutant: ModuleType) -> ModuleType:
    """A copy of a module that has what it imports of another from a mutant of that."""
    copy = mutated(user)
    for name, value in vars(module).items():
        if callable(value) and vars(copy).get(name) is value:
            setattr(copy, name, vars(mutant)[name])
    return copy


@dataclass(frozen=True)
class Scenario:
    """`begin` makes the old version, `commit` the new one; `read` gives what is there.

    `read` recovers first, as a run that goes on does. It gives None where nothing whole is found,
    which is allowed only where `begin` made nothing.
    """

    name: str
    begin: Callable[[Path, Modules], None]
    commit: Callable[[Path, Modules], None]
    read: Callable[[Path, Modules], bytes | None]
    old: bytes | None = OLD


def fill(modules: Modules, content: bytes) -> Callable[[Path], None]:
    """What fills a folder: two files and one in a folder, none of them forced to the disk."""

    def write(folder: Path) -> None:
        system = modules.store.system
        system.mkdir(folder / "part")
        for name in ("a", "b", "part/c"):
            descriptor = system.open(folder / name, 0o101)  # O_WRONLY | O_CREAT
            system.write(descriptor, memoryview(content + name.encode()))
            system.close(descriptor)

    return write


def held(folder: Path) -> bytes | None:
    """The content that `fill` was given; None if it is not whole, whatever the manifest says."""
    contents = set()
    for name in ("a", "b", "part/c"):
        try:
            data = (folder / name).read_bytes()
        except OSError:
            return None
        if not data.endswith(name.encode()):
            return None
        contents.add(data.removesuffix(name.encode()))
    return contents.pop() if len(contents) == 1 else None


def _file(root: Path) -> Path:
    return root / "status.json"


def _read_file(root: Path, modules: Modules) -> bytes | None:
    modules.store.clean_stale(root)
    return _file(root).read_bytes() if _file(root).exists() else None


def _commit_weights(content: bytes) -> Callable[[Path, Modules], None]:
    def commit(root: Path, modules: Modules) -> None:
        modules.store.commit_folder(root / "weights", fill(modules, content), replace=True)

    return commit


def _read_weights(root: Path, modules: Modules) -> bytes | None:
    modules.store.clean_stale(root)
    if modules.store.verify_folder(root / "weights", hashes=True):
        return None
    return held(root / "weights")


def _commit_checkpoints(*contents: bytes) -> Callable[[Path, Modules], None]:
    def commit(root: Path, modules: Modules) -> None:
        run = modules.run_directory.RunDirectory(root)
        first = 1 + max((int(path.name) for path in root.glob("checkpoints/*")), default=0)
        for index, content in enumerate(contents, start=first):
            run.commit_checkpoint(index, fill(modules, content))

    return commit


def _read_checkpoint(root: Path, modules: Modules) -> bytes | None:
    run = modules.run_directory.RunDirectory(root)
    modules.store.clean_stale(run.checkpoints)
    latest = run.latest_checkpoint(lambda message: None)
    return held(latest.path) if latest else None


def _create_run(root: Path, modules: Modules) -> None:
    files = {"run.json": b'{"digest": "1"}', "recipe.yaml": NEW}
    modules.run_directory.RunDirectory.create(root / "run", files)


def _read_run(root: Path, modules: Modules) -> bytes | None:
    modules.store.clean_stale(root)
    if not (root / "run").exists():
        return None
    faults = modules.store.verify_folder(root / "run", hashes=True)
    return (root / "run/recipe.yaml").read_bytes() if not faults else b"partial"


def _nothing(root: Path, modules: Modules) -> None:
    pass


SCENARIOS = (
    Scenario(
        "a file",
        lambda root, modules: modules.store.commit_file(_file(root), OLD),
        lambda root, modules: modules.store.commit_file(_file(root), NEW),
        _read_file,
    ),
    Scenario("a folder", _commit_weights(OLD), _commit_weights(NEW), _read_weights),
    Scenario(
        "a checkpoint",
        _commit_checkpoints(b"first", b"second", OLD),
        _commit_checkpoints(NEW),
        _read_checkpoint,
    ),
    Scenario("the first folder", _nothing, _commit_weights(NEW), _read_weights, old=None),
    Scenario("a run", _nothing, _create_run, _read_run, old=None),
)


def count_calls(scenario: Scenario, root: Path, modules: Modules) -> int:
    """How many calls a commit makes when nothing fails."""
    faulty = FaultySystem()
    _attempt(scenario, root, modules, faulty)
    assert _read(scenario, root, modules) == NEW
    return len(faulty.calls)


def losses_by_fault(scenario: Scenario, root: Path, modules: Modules, fault: str) -> Iterator[str]:
    """Every point at which a fault leaves neither the old version nor the new one."""
    points = count_calls(scenario, root / f"{fault}-0", modules)
    for at in range(1, points + 1):
        here = root / f"{fault}-{at}"
        faulty = FaultySystem(at=at, fault=fault)
        ended = _attempt(scenario, here, modules, faulty)
        assert fault == "sigkill" or faulty.fired, f"{scenario.name}, {fault} {at}"
        found = _read(scenario, here, modules)
        if found not in (scenario.old, NEW):
            yield f"{scenario.name}, {fault} at call {at}: {found!r} was found"
        if ended and found != NEW:
            yield f"{scenario.name}, {fault} at call {at}: told as done, and {found!r} was found"


def losses_by_power_cut(
    scenario: Scenario, root: Path, modules: Modules, samples: int
) -> Iterator[str]:
    """Every state that a power cut may leave in which a version was lost."""
    here = root / "power"
    _begin(scenario, here, modules)
    disk = ForgetfulDisk(here)
    with using(modules, disk.system()):
        scenario.commit(here, modules)
    for number, (end, state) in enumerate(disk.states(samples)):
        after = root / f"after-{number}"
        materialise(state, after)
        found = _read(scenario, after, modules)
        allowed = (NEW,) if end == len(disk.log) else (scenario.old, NEW)
        if found not in allowed:
            yield f"{scenario.name}, cut after entry {end}, state {number}: {found!r} was found"


def losses_by_damage(root: Path, modules: Modules) -> Iterator[str]:
    """Every way to damage the newest checkpoint after which it, or none, is taken."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "a checkpoint")
    for number, (what, damage) in enumerate(DAMAGES):
        here = root / f"damage-{number}"
        _begin(scenario, here, modules)
        scenario.commit(here, modules)
        newest = max(here.glob("checkpoints/*"))
        for path in (newest / "b", newest / "part/c", newest / "MANIFEST.json"):
            before = path.read_bytes()
            damage(path)
            found = _read(scenario, here, modules)
            if found != OLD:
                yield f"{path.name} {what}: {found!r} was found"
            path.write_bytes(before)


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: tuple[tuple[str, Callable[[Path], object]], ...] = (
    ("has a bit flipped", flip_bit),
    ("is cut short", lambda path: path.write_bytes(path.read_bytes()[:-3])),
    ("is empty", lambda path: path.write_bytes(b"")),
    ("is all zeros", lambda path: path.write_bytes(bytes(path.stat().st_size))),
    ("is gone", Path.unlink),
)


@contextmanager
def using(modules: Modules, system: store.SystemCalls) -> Iterator[None]:
    """Other calls to the disk in the place of the real ones."""
    real = modules.store.system
    modules.store.system = system  # type: ignore[attr-defined]
    try:
        yield
    finally:
        modules.store.system = real  # type: ignore[attr-defined]


def _begin(scenario: Scenario, root: Path, modules: Modules) -> None:
    root.mkdir(parents=True)
    with using(modules, UNFORCED):
        scenario.begin(root, modules)


def _read(scenario: Scenario, root: Path, modules: Modules) -> bytes | None:
    with using(modules, UNFORCED):
        return scenario.read(root, modules)


def _attempt(scenario: Scenario, root: Path, modules: Modules, faulty: FaultySystem) -> bool:
    """Commit under a fault; gives whether it said that it was done."""
    _begin(scenario, root, modules)

    def act() -> None:
        with using(modules, faulty.system()):
            scenario.commit(root, modules)

    if faulty.fault == "sigkill":
        assert in_child(act) == 9, f"{scenario.name}: the process was not killed"
        return False
    try:
        act()
    except (Killed, StorageError):
        return False
    return True
