"""A map from objects to values that keeps no object alive, and asks of them no hash."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

V = TypeVar("V")


class WeakIdMap(Generic[V]):
    """Values by the identity of an object, gone with the object.

    An object that cannot be weakly referenced is not kept; :meth:`set` says so.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[object], V]] = {}

    def set(self, key: object, value: V) -> bool:
        """Keep ``value`` as long as ``key`` lives; False if ``key`` takes no weak reference."""
        number = id(key)
        entries = self._entries

        def gone(reference: weakref.ref[object]) -> None:
            entry = entries.get(number)
            if entry is not None and entry[0] is reference:
                del entries[number]

        try:
            entries[number] = (weakref.ref(key, gone), value)
        except TypeError:
            return False
        return True

    def get(self, key: object) -> V | None:
        """The value of this very object."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def pop(self, key: object) -> V | None:
        """Take the value of this very object out."""
        value = self.get(key)
        if value is not None:
            del self._entries[id(key)]
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries)
