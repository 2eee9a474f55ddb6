"""``watch(model)``: how a module's gradients and parameters are distributed while it is trained."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chiplog.core import background
from chiplog.core.autolog import engine
from chiplog.core.autolog.scalars import Arrival
from chiplog.core.errors import InvalidValue
from chiplog.core.runs import active
from chiplog.hooks.guard import is_strict, report
from chiplog.integrations.pytorch.models import parameters_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.runs.writer import RunWriter

BINS: Final = 64
FOLDER: Final = "histograms"
_KINDS: Final = {
    "gradients": ("gradients",),
    "parameters": ("parameters",),
    "all": ("gradients", "parameters"),
}
_STATISTICS: Final = ("norm", "mean", "std", "min", "max")
_MOST_SORTED: Final = 1_000_000

_lock = threading.Lock()
_watched: dict[int, _Watched] = {}
_handle: Any = None


def watch(model: Any, log: str = "gradients", every_n_steps: int = 100) -> None:
    """Record how a module's gradients or parameters are distributed, at every n-th optimizer step.

    Per parameter: the metrics ``gradients/<name>/norm``, ``/mean``, ``/std``, ``/min`` and
    ``/max``, and a histogram in the artifact ``histograms/gradients/step_<n>.json`` (``edges`` and
    ``counts`` by name); ``parameters/…`` likewise. They go to the run of the training that
    autologging records, else to the active run. Works without ``autolog()``, and does not wait for
    the device. :func:`unwatch` ends it, and so does the end of the module.

    Args:
        model: the module. No reference to it is kept, and nothing is hooked on it.
        log: ``"gradients"``, ``"parameters"`` or ``"all"``.
        every_n_steps: after how many steps; the first one is recorded too.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        raise InvalidValue(f"watch() takes a torch.nn.Module; this is a {type(model).__name__}.")
    if log not in _KINDS:
        raise InvalidValue(f"log={log!r} is unknown; it is one of {', '.join(map(repr, _KINDS))}.")
    if isinstance(every_n_steps, bool) or not isinstance(every_n_steps, int) or every_n_steps < 1:
        raise InvalidValue(f"every_n_steps={every_n_steps!r} is not allowed: give 1 or more.")
    model = unwrapped(model)
    with _lock:
        _watched[id(model)] = _Watched(model, _KINDS[log], every_n_steps)
        _hook_in()


def unwatch(model: Any = None) -> None:
    """End watching a module, or all of them."""
    with _lock:
        wanted = None if model is None else unwrapped(model)
        for key, watched in list(_watched.items()):
            if wanted is None or watched.model is wanted:
                del _watched[key]
                watched.collect(wait=True)
        _hook_out_if_idle()


class _Watched:
    """A watched module, and what was computed of it and is on its way."""

    def __init__(self, model: Any, kinds: tuple[str, ...], every: int) -> None:
        self._model = weakref.ref(model)
        self._kinds = kinds
        self._every = every
        self._steps = -1
        self._under_way: list[_Snapshot] = []
        self._said = False

    @property
    def model(self) -> Any | None:
        return self._model()

    def stepped(self, optimizer: Any) -> None:
        """Put down a step of an optimizer, if it trains this module."""
        model = self._model()
        if model is None or not _trains(optimizer, model):
            return
        self._steps += 1
        if self._under_way:
            self.collect()
        if self._steps % self._every:
            return
        session, step = _training_of(optimizer)
        writer = session.writer if session is not None else active.current_writer()
        if writer is None:
            if not self._said:
                self._said = True
                report(
                    "Watching a module",
                    RuntimeError("there is no active run: start_run() or autolog() makes one"),
                )
            return
        at = self._steps if step is None else step
        if session is None:
            self._look(model, writer, at)
            return
        with session.spending("histograms"):
            self._look(model, writer, at)

    def _look(self, model: Any, writer: RunWriter, step: int) -> None:
        for kind in self._kinds:
            tensors = {
                name: one.grad if kind == "gradients" else one
                for name, one in model.named_parameters()
            }
            found = {name: one for name, one in tensors.items() if one is not None and one.numel()}
            if found:
                self._under_way.append(_Snapshot(kind, found, writer, step))
        self.collect()

    def collect(self, *, wait: bool = False) -> None:
        """Record what has arrived on the host."""
        while self._under_way and (wait or self._under_way[0].has_arrived()):
            self._under_way.pop(0).record()


class _Snapshot:
    """The statistics of a module's tensors at one step, being fetched in one piece."""

    def __init__(self, kind: str, tensors: dict[str, Any], writer: RunWriter, step: int) -> None:
        torch: Any = sys.modules["torch"]
        self._kind = kind
        self._writer = writer
        self._step = step
        self._rows: list[tuple[list[str], Arrival]] = []
        groups: dict[Any, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            groups.setdefault(tensor.device, {})[name] = tensor
        with torch.no_grad():
            for same in groups.values():
                rows = torch.stack([_row(torch, tensor.detach()) for tensor in same.values()])
                self._rows.append((list(same), Arrival(rows)))

    def has_arrived(self) -> bool:
        return all(arrival.has_arrived() for _, arrival in self._rows)

    def record(self) -> None:
        """Record the metrics, and have the histograms written."""
        histograms = {}
        for names, arrival in self._rows:
            for name, row in zip(names, arrival.tolist(), strict=True):
                for statistic, value in zip(_STATISTICS, row, strict=False):
                    self._writer.log_metric(f"{self._kind}/{name}/{statistic}", value, self._step)
                low, high = row[3], row[4]
                counts = [int(count) for count in row[len(_STATISTICS) :]]
                edges = [low + (high - low) * i / BINS for i in range(BINS + 1)]
                histograms[name] = {"edges": edges, "counts": counts}
        body = msgspec.json.encode({"step": self._step, "histograms": histograms})
        path = f"{FOLDER}/{self._kind}/step_{self._step}.json"
        writer = self._writer
        background.defer(
            lambda: writer.artifacts.put_bytes(body, path),
            failed=lambda error: report(f"Storing {path}", error),
        )


def _row(torch: Any, tensor: Any) -> Any:
    """Norm, mean, standard deviation, smallest, largest, and the counts of a histogram."""
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    values = tensor.reshape(-1).to(torch.float32)
    low, high = torch.aminmax(values)
    first = torch.stack(
        [torch.linalg.vector_norm(values), values.mean(), values.std(unbiased=False), low, high]
    )
    span = torch.where(high > low, high - low, torch.ones_like(low))
    scaled = torch.nan_to_num((values - low) / span, nan=-1.0, posinf=-1.0, neginf=-1.0)
    return torch.cat([first, _counts(torch, scaled)])


def _counts(torch: Any, scaled: Any) -> Any:
    """How many values from 0 to 1 lie in each bin, without waiting for the device."""
    if scaled.device.type != "cpu" and torch.are_deterministic_algorithms_enabled():
        every = max(1, scaled.numel() // _MOST_SORTED)  # histc has no such version
        ordered = scaled[::every].sort().values
        edges = torch.linspace(0.0, 1.0, BINS + 1, device=scaled.device)
        edges[-1] = 2.0
        return torch.searchsorted(ordered, edges).diff().to(torch.float32)
    return torch.histc(scaled, BINS, 0.0, 1.0)


def _training_of(optimizer: Any) -> tuple[TrainingSession | None, int | None]:
    """The session of the plain loop that an optimizer's step belongs to, and the step."""
    installed = engine.installation("pytorch")
    watcher = getattr(installed.integration, "watcher", None) if installed is not None else None
    training = watcher.training_of(optimizer) if watcher is not None else None
    return (None, None) if training is None else (training.loop.session, max(training.step, 0))


def _trains(optimizer: Any, model: Any) -> bool:
    theirs = {id(one) for one in parameters_of(optimizer)}
    return any(id(one) in theirs for one in model.parameters())


def _hook_in() -> None:
    global _handle  # noqa: PLW0603 - one per process
    if _handle is None:
        from torch.compiler import is_compiling
        from torch.optim.optimizer import register_optimizer_step_post_hook

        _handle = register_optimizer_step_post_hook(_hook(is_compiling))


def _hook_out_if_idle() -> None:
    global _handle  # noqa: PLW0603 - one per process
    if not _watched and _handle is not None:
        _handle.remove()
        _handle = None


def _hook(is_compiling: Callable[[], bool]) -> Callable[..., None]:
    def stepped(optimizer: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG001 - torch's signature
        if is_compiling():
            return
        _tell(list(_watched.values()), optimizer)

    return stepped


def _tell(watched: Iterable[_Watched], optimizer: Any) -> None:
    for one in watched:
        try:
            if one.model is None:
                _forget(one)
            else:
                one.stepped(optimizer)
        except Exception as error:
            _forget(one)
            if is_strict():
                raise
            report("Watching a module", error)


def _forget(watched: _Watched) -> None:
    with _lock:
        for key, known in list(_watched.items()):
            if known is watched:
                del _watched[key]
        _hook_out_if_idle()
