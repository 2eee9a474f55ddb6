"""One run as writers of TensorBoard's files write into it, and which run that is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.receipt import TRAINING, CallNote, Captured
from chiplog.core.autolog.scalars import Pending, number
from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import SessionRun, open_run
from chiplog.core.errors import InvalidValue
from chiplog.core.runs import active
from chiplog.integrations.tensorboard import summaries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.runs.active import OpenRun

WHAT: Final = "SummaryWriter"
FILES_OF_A_TAG: Final = 100
FOLDER: Final = "tensorboard"


class Recording:
    """What goes from writers into one run.

    Attributes:
        entry: the run.
        session: where it is logged.
        is_own: the run was made for the writers.
    """

    def __init__(
        self, installation: Installation, run: SessionRun, entry: OpenRun, *, is_own: bool
    ) -> None:
        self.entry = entry
        self.is_own = is_own
        self.run = run
        self.receipt = installation.new_receipt()
        run.document.sessions.append(self.receipt)
        self.session = TrainingSession(installation.flavor, installation.config, run, self.receipt)
        self._options: Any = installation.config
        self._installation = installation
        self._log_metric = self.session.log_metric
        self._counts: dict[str, int] = {}
        self._files: dict[str, int] = {}
        self._refused: set[str] = set()
        self._began = time.monotonic()
        self.fired: dict[str, int] = {}
        self.receipt.calls = [CallNote(WHAT, TRAINING, 0.0)]
        run.attach_receipt()
        entry.closers.append(self.finish)
        self.session.budget.start()
        self.add = self.session.callback("summaries", self._add)
        self.add_scalars = self.session.callback("scalars", self._add_scalars)
        self.add_hparams = self.session.callback("hparams", self._add_hparams)

    # What is recorded

    def _add(self, summary: Any, exact: float | None, step: Any, walltime: float | None) -> None:
        at, when = _step(step), _milliseconds(walltime)
        for value in summary.value:
            held = summaries.scalar_of(value)
            if held is not None:
                self._point("scalars", value.tag, held if exact is None else exact, at, when)
            elif value.HasField("histo"):
                self._histogram(value, at, when)
            else:
                self._file(value, at)

    def _add_scalars(
        self, values: Mapping[str, Any], prefix: str, step: Any, walltime: float | None = None
    ) -> None:
        at, when = _step(step), _milliseconds(walltime)
        for tag, value in values.items():
            read = number(value)
            if isinstance(read, Pending):  # the writer has waited for it already
                read = float(value)
            if read is None:
                self._refuse(f"scalar {prefix + tag!r}", "it is no number")
            else:
                self._point("scalars", f"{prefix}{tag}", read, at, when)

    def _add_hparams(
        self, params: Mapping[str, Any], metrics: Mapping[str, Any], step: Any
    ) -> None:
        self._count("hparams", self.session.log_params(params))
        self._add_scalars(metrics, "", step, None)

    def _count(self, kind: str, count: int = 1) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + count

    def _point(self, kind: str, tag: str, value: float, step: int, when: int) -> None:
        if not self.session.keeps_step():
            return
        try:
            self._log_metric(summaries.metric_key(tag), value, step, when)
        except InvalidValue as error:
            self._refuse(f"scalar {tag!r}", str(error))
            return
        self._count(kind)

    def _histogram(self, value: Any, step: int, when: int) -> None:
        if not self._options.log_histograms:
            self._refuse("histograms", "log_histograms is off")
            return
        for name, figure in summaries.histogram_of(value.histo):
            self._point("points of histograms", f"{value.tag}/{name}", figure, step, when)

    def _file(self, value: Any, step: int) -> None:
        text, picture = summaries.text_of(value), summaries.picture_of(value)
        if text is None and picture is None:
            kind = summaries.plugin_of(value) or "other data"
            if kind != "hparams":  # these come as parameters
                self._refuse(f"{kind} of {value.tag!r}", "TensorBoard alone can show it")
            return
        if not self._options.log_media:
            self._refuse("texts and pictures", "log_media is off")
            return
        tag = text[0] if text is not None else value.tag
        count = self._files[tag] = self._files.get(tag, 0) + 1
        if count > FILES_OF_A_TAG:
            self._refuse(f"files of {tag!r}", f"the first {FILES_OF_A_TAG} were kept")
            return
        path = f"{FOLDER}/{summaries.metric_key(tag)}/{step:06d}"
        if text is not None:
            self.session.log_text(text[1], f"{path}.txt")
        elif picture is not None:
            self.session.log_bytes(picture[0], f"{path}.{picture[1]}")
        self._count("texts" if text is not None else "pictures")

    def leave(self, kind: str, tag: str) -> None:
        """Note that a value is of a kind that is not taken along."""
        self._refuse(f"{kind} of {tag!r}", "of what tf.summary writes, scalars are recorded")

    def left_to(self, other: str) -> None:
        """Note that a value is recorded by another integration."""
        self._refuse(f"what {other} writes", f"{other}'s own integration records it")

    def _refuse(self, what: str, reason: str) -> None:
        if what not in self._refused:
            self._refused.add(what)
            self.session.skipped(what, reason)

    # Its end

    def finish(self) -> None:
        """Bring the receipt up to date."""
        took = (time.monotonic() - self._began) * 1e3
        self.receipt.training_ms = took
        self.receipt.calls = [CallNote(WHAT, "FINISHED", took)]
        self.receipt.captured = [Captured(kind, count) for kind, count in self._counts.items()]
        self._installation.fill_hooks(self.receipt, self.fired)
        self.fired = {}
        self.session.budget.fill(self.receipt)
        self.run.attach_receipt()

    def end(self) -> None:
        """End the run if it was made for the writers."""
        if not self.is_own or not self.is_open:
            return
        self.entry.makes_way = None
        self.run.end(None)

    @property
    def is_open(self) -> bool:
        """Whether the run goes on."""
        return any(known is self.entry for known in active.owned_runs)

    @property
    def has_training(self) -> bool:
        """Whether a training was recorded into the run too."""
        return any(other is not self.receipt for other in self.run.document.sessions)


def recording_into(installation: Installation, entry: OpenRun) -> Recording:
    """Record into a run that is there."""
    run = SessionRun(
        entry, installation.trained, tag=installation.tag, created=False, parent_id=None
    )
    return Recording(installation, run, entry, is_own=False)


def recording_of_its_own(installation: Installation) -> Recording:
    """Make a run. A training that begins meanwhile is recorded into it."""
    run = open_run(installation.tag, installation.config, installation.trained)
    entry = active.local.stack[-1]
    try:
        recording = Recording(installation, run, entry, is_own=True)
    except BaseException as error:
        run.end(error)
        raise
    entry.makes_way, entry.takes_in = recording.end, True
    return recording


def _step(step: Any) -> int:
    return 0 if step is None else int(step)


def _milliseconds(walltime: float | None) -> int:
    return int((time.time() if walltime is None else walltime) * 1e3)
