"""A framework's scalars as numbers, without making training wait for its device.

:func:`number` gives a CPU scalar's value at once. A device's scalar comes back as :class:`Pending`:
a copy that lies on the device until :class:`Backlog` fetches it. The copies of many steps are
fetched in one transfer that nobody waits for; the training thread only looks, now and then, whether
it has arrived. (A background thread that waited would be simpler, and would break the capture of a
CUDA graph by the user's threads.) What is fetched is recorded with the step and time it had.
"""

from __future__ import annotations

import sys
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final

from chiplog.core import background

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOOK_SECONDS: Final = 0.25
MOST_WAITING: Final = 512


class Pending:
    """A number of which a part still lies on a device: ``factor * (known + sum(parts))``."""

    __slots__ = ("factor", "known", "parts")

    def __init__(self, parts: Sequence[Any], known: float = 0.0, factor: float = 1.0) -> None:
        self.parts = tuple(parts)
        self.known = known
        self.factor = factor

    def value(self, fetched: Sequence[float]) -> float:
        """The number, given its parts' values."""
        return self.factor * (self.known + sum(fetched))


def number(value: Any) -> float | Pending | None:
    """A scalar of any framework as a number; None if it is none.

    A tensor or array of one element counts as a scalar; text, complex numbers and anything with
    more elements do not. Reads no value from a device, and keeps no graph alive.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]  # its type was just looked at
    return (_readers.get(kind) or _reader_of(kind))(value)


_readers: dict[type, Callable[[Any], float | Pending | None]] = {}


def _reader_of(kind: type) -> Callable[[Any], float | Pending | None]:
    """What reads values of a type; remembered by the type."""
    root = kind.__module__.partition(".")[0]
    reader: Callable[[Any], float | Pending | None] = _plain
    if root == "torch" or hasattr(kind, "__torch_function__"):
        reader = _torch
    elif root == "tensorflow":
        reader = _tensorflow
    elif root in {"jax", "jaxlib"}:
        reader = _jax
    if len(_readers) < MOST_WAITING:
        _readers[kind] = reader
    return reader


def _plain(value: Any) -> float | None:
    if isinstance(value, (str, bytes)) or getattr(value, "size", 1) != 1:
        return None
    if getattr(getattr(value, "dtype", None), "kind", "f") not in "biuf":
        return None
    return _as_float(value.item() if hasattr(value, "item") else value)


def mean(values: Sequence[float | Pending], factor: float = 1.0) -> float | Pending:
    """The mean of at least one number, times ``factor``."""
    factor /= len(values)
    known = 0.0
    parts: list[Any] = []
    for one in values:
        if isinstance(one, Pending):
            if one.factor != 1.0:
                raise ValueError("a mean of means is not taken")
            known += one.known
            parts.extend(one.parts)
        else:
            known += one
    return Pending(parts, known, factor) if parts else known * factor


def _as_float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _torch(value: Any) -> float | Pending | None:
    if value.numel() != 1 or value.is_complex():
        return None
    if value.is_cpu:
        return float(value.item())
    device = value.device.type
    if device == "meta":
        return None
    torch = sys.modules["torch"]
    if device == "cuda" and torch.cuda.is_current_stream_capturing():
        return None  # what is done now is replayed later, with other values
    return Pending([value.detach().reshape(()).clone()])


def _tensorflow(value: Any) -> float | Pending | None:
    if not hasattr(value, "numpy"):  # symbolic
        return None
    if hasattr(value, "read_value"):  # a variable, which may change
        value = value.read_value()
    if not (value.dtype.is_floating or value.dtype.is_integer or value.dtype.is_bool):
        return None
    if value.shape.num_elements() != 1:
        return None
    if ":CPU:" in str(value.device or ":CPU:").upper():
        return float(value.numpy().item())
    return Pending([value])


def _jax(value: Any) -> float | Pending | None:
    if not hasattr(value, "is_ready") or value.size != 1:
        return None
    if not any(kind in str(value.dtype) for kind in ("float", "int", "bool")):
        return None
    return float(value.item()) if value.is_ready() else Pending([value])


class Backlog:
    """Numbers on their way from a device to the record.

    Used from one thread at a time. ``record(key, value, step, timestamp)`` is called for each, in
    the order in which they were added where that is the order of their arrival.
    """

    def __init__(self, record: Callable[[str, float, int, int], object]) -> None:
        self._record = record
        self._waiting: list[_Item] = []
        self._under_way: list[_Transfer] = []
        self._look_at = 0.0
        self._last: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._under_way)

    def add(
        self,
        key: str,
        value: float | Pending,
        step: int,
        timestamp: int | None = None,
        *,
        if_changed: bool = False,
    ) -> None:
        """Record a number when it is known; ``if_changed`` leaves out what repeats the last one."""
        at = time_ns() // 1_000_000 if timestamp is None else timestamp
        item = _Item(key, value, step, at, if_changed)
        if not isinstance(value, Pending) and not self._waiting and not self._under_way:
            self._write(item, value)
            return
        self._waiting.append(item)
        self.look()

    def look(self) -> None:
        """Record what has arrived and fetch what waits, if it is time to; returns at once."""
        now = monotonic()
        if now < self._look_at and len(self._waiting) < MOST_WAITING:
            return
        self._look_at = now + LOOK_SECONDS
        while self._under_way and self._under_way[0].has_arrived():
            self._finish(self._under_way.pop(0))
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._under_way.append(_Transfer(waiting))

    def flush(self) -> None:
        """Fetch and record everything; waits for the device. For when training is over."""
        while self._under_way or self._waiting:
            if not self._under_way:
                waiting, self._waiting = self._waiting, []
                self._under_way.append(_Transfer(waiting))
            self._finish(self._under_way.pop(0))

    def _finish(self, transfer: _Transfer) -> None:
        for item, value in transfer.values():
            self._write(item, value)

    def _write(self, item: _Item, value: float) -> None:
        if item.if_changed:
            if self._last.get(item.key) == value:
                return
            self._last[item.key] = value
        self._record(item.key, value, item.step, item.timestamp)


class _Item:
    __slots__ = ("if_changed", "key", "step", "timestamp", "value")

    def __init__(
        self, key: str, value: float | Pending, step: int, timestamp: int, if_changed: bool
    ) -> None:
        self.key = key
        self.value = value
        self.step = step
        self.timestamp = timestamp
        self.if_changed = if_changed

    @property
    def parts(self) -> tuple[Any, ...]:
        return self.value.parts if isinstance(self.value, Pending) else ()


class _Transfer:
    """Items whose parts are being fetched, those of one device and type in one piece."""

    def __init__(self, items: list[_Item]) -> None:
        self.items = items
        groups: dict[object, list[Any]] = {}
        for item in items:
            for part in item.parts:
                groups.setdefault(_group_of(part), []).append(part)
        self._fetches = {group: _fetch(parts) for group, parts in groups.items()}

    def has_arrived(self) -> bool:
        return all(fetch.has_arrived() for fetch in self._fetches.values())

    def values(self) -> list[tuple[_Item, float]]:
        """Each item with its value; waits for what has not arrived."""
        fetched = {group: iter(fetch.numbers()) for group, fetch in self._fetches.items()}
        found = []
        for item in self.items:
            value = item.value
            if isinstance(value, Pending):
                value = value.value([next(fetched[_group_of(part)]) for part in item.parts])
            found.append((item, value))
        return found


def _group_of(part: Any) -> object:
    return (type(part), part.device, part.dtype) if _is_torch(part) else type(part)


def _is_torch(part: Any) -> bool:
    return type(part).__module__.partition(".")[0] == "torch"


def _fetch(parts: list[Any]) -> _TorchFetch | _BackgroundFetch:
    return _TorchFetch(parts) if _is_torch(parts[0]) else _BackgroundFetch(parts)


class Arrival:
    """A copy of a torch tensor on its way to the host, which the device makes when it gets there.

    Keeps no graph alive. A tensor that lies on the host has arrived at once.
    """

    def __init__(self, tensor: Any) -> None:
        torch: Any = sys.modules["torch"]
        with torch.no_grad():
            detached = tensor.detach()
            on_host = detached.device.type == "cpu"
            self._host = detached.clone() if on_host else detached.to("cpu", non_blocking=True)
            self._event = None if on_host else _mark(torch, detached.device)

    def has_arrived(self) -> bool:
        """Whether it is there."""
        return self._event is None or bool(self._event.query())

    def tolist(self) -> Any:
        """Its values; waits for them."""
        if self._event is not None:
            self._event.synchronize()
        return self._host.tolist()


class _TorchFetch(Arrival):
    """Scalars of one device and type in one copy."""

    def __init__(self, parts: list[Any]) -> None:
        torch: Any = sys.modules["torch"]
        with torch.no_grad():
            super().__init__(torch.stack([part.detach().reshape(()) for part in parts]))

    def numbers(self) -> list[float]:
        """Their values, in order."""
        return [float(one) for one in self.tolist()]


def _mark(torch: Any, device: Any) -> Any:
    """An event behind what was just asked of a device; None where it is done at once."""
    kind = getattr(torch.get_device_module(device), "Event", None)
    if kind is None:
        return None
    if device.type != "cuda":
        event = kind()
        event.record()
        return event
    with torch.cuda.device(device):
        event = kind()
        event.record()
    return event


class _BackgroundFetch:
    """Arrays of other frameworks, read on the background thread."""

    def __init__(self, parts: list[Any]) -> None:
        self._parts = parts
        self._numbers: list[float] | None = None
        background.defer(self._read, failed=self._failed)

    def _read(self) -> None:
        self._numbers = [float(part) for part in self._parts]
        self._parts = []

    def _failed(self, error: Exception) -> None:  # noqa: ARG002 - what cannot be read is no number
        self._numbers = [float("nan")] * len(self._parts)
        self._parts = []

    def has_arrived(self) -> bool:
        return self._numbers is not None

    def numbers(self) -> list[float]:
        if self._numbers is None:
            background.flush()
        if self._numbers is None:  # asked on the background thread itself
            self._read()
        return self._numbers or []
