"""Batches as they leave a ``DataLoader``: how many samples, how fast, and which epoch it is."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from chiplog.core.autolog.weakmap import WeakIdMap

WINDOW_SECONDS: Final = 1.0
#: Two loaders that are zipped change over twice in a step, and so does a brief evaluation.
_ZIPPED: Final = 2


class Loader:
    """A data loader, as the loops that iterate over it see it. Keeps no reference to it.

    Attributes:
        passes: how often an iterator over it was made.
    """

    def __init__(self, loader: Any | None) -> None:
        self._loader = weakref.ref(loader) if loader is not None else None
        self.passes = 0

    @property
    def loader(self) -> Any | None:
        """The data loader itself, if it is still there."""
        return self._loader() if self._loader is not None else None


class Loaders:
    """Every data loader that was iterated over, and the iterators over them."""

    def __init__(self) -> None:
        self._loaders: WeakIdMap[Loader] = WeakIdMap()
        self._iterators: WeakIdMap[tuple[Loader, int]] = WeakIdMap()

    def iterated(self, loader: Any, iterator: Any) -> None:
        """Put down that a pass over a loader begins."""
        known = self._loaders.get(loader)
        if known is None:
            known = Loader(loader)
            self._loaders.set(loader, known)
        known.passes += 1
        self._iterators.set(iterator, (known, known.passes))

    def of(self, iterator: Any) -> tuple[Loader, int]:
        """The loader of an iterator, and which of the passes over it this is."""
        found = self._iterators.get(iterator)
        if found is None:  # made before autologging was switched on
            found = Loader(None), 0
            self._iterators.set(iterator, found)
        return found


class Batches:
    """The batches a thread took since its last training step.

    Attributes:
        source: the loader of the last one, and which pass over it.
        count: how many samples of that loader came since the step.
        others: how many batches came from elsewhere since the step: an evaluation's.
    """

    __slots__ = ("count", "others", "source")

    def __init__(self) -> None:
        self.source: tuple[Loader, int] | None = None
        self.count = 0
        self.others = 0

    def took(self, source: tuple[Loader, int], batch: Any) -> None:
        """Put down a batch."""
        if source is not self.source:
            if self.source is not None:
                self.others += 1
                self.count = 0
            self.source = source
        elif self.others:
            self.others += 1
        self.count += size_of(batch)


def size_of(batch: Any, depth: int = 0) -> int:
    """How many samples a batch has, by the first tensor in it; 0 if that cannot be seen."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 0
    if depth > 2 or not batch:
        return 0
    if isinstance(batch, (list, tuple)):
        return size_of(batch[0], depth + 1)
    if isinstance(batch, Mapping):
        return size_of(next(iter(batch.values())), depth + 1)
    graphs = getattr(batch, "num_graphs", 0)
    return graphs if isinstance(graphs, int) else 0


class Pace:
    """Epochs and samples per second of one training.

    Attributes:
        epoch: the number of the epoch that goes on, from 0; None before the first batch.
        loader: the loader that was trained from last.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.loader: Loader | None = None
        self.began = False
        self._seen: dict[Loader, tuple[int, int]] = {}  # which pass, and its epoch
        self._last_step = 0.0
        self._samples = 0
        self._seconds = 0.0

    def stepped(self, batches: Batches, now: float) -> float | None:
        """Put down a training step; hands back samples per second when it is time to tell.

        ``began`` then says whether this was the first step of an epoch.
        """
        self.began = False
        source = batches.source
        if source is None:
            return None
        loader, which = source
        told = None
        seen = self._seen.get(loader)
        if seen is None or seen[0] != which:
            told = self.rest()
            epoch = self._epoch_of(seen)
            self._seen[loader] = which, epoch
            self.began = epoch != self.epoch
            self.epoch, self.loader = epoch, loader
        elif self._last_step and batches.others <= _ZIPPED:
            self._samples += batches.count
            self._seconds += now - self._last_step
            if self._seconds >= WINDOW_SECONDS:
                told = self.rest()
        self._last_step = now
        batches.count = batches.others = 0
        return told

    def _epoch_of(self, seen: tuple[int, int] | None) -> int:
        """The epoch that a new pass belongs to, given the last one over the same loader."""
        if seen is not None:
            return max(seen[1] + 1, self.epoch or 0)
        if self.epoch is None or self.loader is None:
            return 0
        if self.loader.loader is None:  # a loader for each epoch: the last one's is gone
            self._seen.pop(self.loader, None)
            return self.epoch + 1
        return self.epoch  # loaders that take turns

    def rest(self) -> float | None:
        """Samples per second since it was told last, if any were seen since."""
        samples, seconds = self._samples, self._seconds
        self._samples, self._seconds = 0, 0.0
        return samples / seconds if samples and seconds > 0 else None

    def resumed(self) -> None:
        """Count the time from now on."""
        self._last_step = perf_counter()
