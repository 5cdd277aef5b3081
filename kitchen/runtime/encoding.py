"""Values as JSON and back: scalars, and records and artifacts of scalars and arrays."""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitchen.runtime.annotations import class_named
from kitchen.runtime.values import Handle

if TYPE_CHECKING:
    import numpy as np

PLAIN = (bool, int, float, str, type(None))


SMALL = 1 << 16  #: bytes; an array of fewer is not worth looking for where it was kept before


@dataclasses.dataclass(slots=True)
class Arrays:
    """Numbered arrays in a folder, one file each, in numpy's own format and without pickle.

    An array that `before` kept is linked from there: what does not change is on the disk once,
    however many folders hold it, and is whole in each of them.
    """

    folder: Path
    before: Arrays | None = None
    count: int = 0
    _numbers: dict[int, tuple[weakref.ref[np.ndarray], int]] = dataclasses.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.before is not None:
            self.before.before = None  # the last folder will do

    def keep(self, array: np.ndarray) -> int:
        import numpy as np

        self.folder.mkdir(exist_ok=True)
        number, self.count = self.count, self.count + 1
        if self.before is None or not self.before._link(array, self._path(number)):
            np.save(self._path(number), array, allow_pickle=False)
        self._numbers[id(array)] = weakref.ref(array), number
        return number

    def fetch(self, number: int) -> np.ndarray:
        import numpy as np

        array: np.ndarray = np.load(self._path(number), allow_pickle=False)
        self._numbers[id(array)] = weakref.ref(array), number
        return array

    def _link(self, array: np.ndarray, target: Path) -> bool:
        """Give the file of this very array a second name, if it is still what was written."""
        known, number = self._numbers.get(id(array), (None, 0))
        if array.nbytes < SMALL or known is None or known() is not array:
            return False
        try:
            if not _holds(self._path(number), array):
                return False
            os.link(self._path(number), target)
        except (OSError, ValueError):  # it is gone, or the disk knows no second names
            return False
        return True

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npy"


def _holds(path: Path, array: np.ndarray) -> bool:
    """Whether a file holds an array to the last bit."""
    import numpy as np

    kept = np.load(path, mmap_mode="r", allow_pickle=False)
    if (kept.shape, kept.dtype) != (array.shape, array.dtype):
        return False
    one, other = (np.ascontiguousarray(x).reshape(-1).view(np.uint8) for x in (kept, array))
    return np.array_equal(one, other)


def encode(held: Any, arrays: Arrays) -> dict[str, Any] | None:
    """A value as JSON, its arrays put aside; None where there is a handle in it."""
    if isinstance(held, Handle):
        return None
    if isinstance(held, PLAIN):
        return {"plain": held}
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        fields = {f.name: encode(getattr(held, f.name), arrays) for f in dataclasses.fields(held)}
        return _whole({"type": type(held).__name__, "fields": fields}, fields.values())
    if isinstance(held, tuple | list | range):
        items = [encode(item, arrays) for item in held]
        return _whole({"tuple" if isinstance(held, tuple) else "list": items}, items)
    if isinstance(held, Mapping) and all(isinstance(key, str) for key in held):
        entries = {key: encode(item, arrays) for key, item in held.items()}
        return _whole({"record": entries}, entries.values())
    if hasattr(held, "__array_interface__"):
        return {"array": arrays.keep(held)}
    return None


def _whole(encoded: dict[str, Any], parts: Any) -> dict[str, Any] | None:
    return None if any(part is None for part in parts) else encoded


def decode(encoded: Mapping[str, Any], arrays: Arrays) -> Any:
    """What `encode` wrote."""
    match encoded:
        case {"plain": value}:
            return value
        case {"array": number}:
            return arrays.fetch(number)
        case {"list": items}:
            return [decode(item, arrays) for item in items]
        case {"tuple": items}:
            return tuple(decode(item, arrays) for item in items)
        case {"record": entries}:
            return {key: decode(item, arrays) for key, item in entries.items()}
        case {"type": name, "fields": fields}:
            return class_named(name)(**{k: decode(v, arrays) for k, v in fields.items()})
    raise ValueError(f"no value is written as {sorted(encoded)}")
