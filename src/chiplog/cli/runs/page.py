"""A run on one page, for people."""

from __future__ import annotations

import itertools
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rich.text import Text

from chiplog.cli.lookup import short_ids
from chiplog.cli.render.charts import CURVE_STYLE
from chiplog.cli.render.curves import sparkline
from chiplog.cli.render.numbers import number, plural, size
from chiplog.cli.render.pairs import pair_lines
from chiplog.cli.render.text import printable, shorten, width_of
from chiplog.cli.render.times import absolute, relative
from chiplog.cli.runs.curves import read_curves, show_curve
from chiplog.cli.runs.files import walk
from chiplog.cli.runs.view import importance, status_text, took
from chiplog.cli.terminal import terminal
from chiplog.core.entities import ViewType
from chiplog.core.errors import ChiplogError, NotFound
from chiplog.core.search.tree import quote
from chiplog.core.tags import (
    DATA_CONTEXT,
    DESCRIPTION,
    EXIT_REASON,
    GIT_BRANCH,
    GIT_COMMIT,
    GIT_DIRTY,
    PARENT_RUN_ID,
    SOURCE_NAME,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.entities import DatasetInput, FileInfo, MetricSummary, Run
    from chiplog.core.stores import TrackingStore

MOST_CURVES = 3
SMALL_WIDTH = 28
MOST_PARAMS = 24
MOST_FILES = 15
MOST_CHILDREN = 1000
_INNER_TAGS = ("mlflow.", "chiplog.")
_TRACEBACK_LINES = 8


class Page:
    """Prints a run, section by section.

    Args:
        everything: all parameters, tags, curves and files, however many there are.
        height: of a curve, in lines.
    """

    def __init__(
        self, store: TrackingStore, run: Run, *, everything: bool = False, height: int = 4
    ) -> None:
        self.store = store
        self.run = run
        self.everything = everything
        self.height = height
        self.out = terminal()

    def show(self, metrics: Sequence[str] = ()) -> None:
        """Print the page; with ``metrics``, the head and these curves alone.

        Raises NotFound, naming those it has, if the run lacks one of them.
        """
        summaries = self.store.get_metric_summaries(self.run.info.run_id)
        _check_known(metrics, summaries)
        self.head()
        if metrics:
            self.chosen_curves(metrics, summaries)
            return
        self.failure()
        self.metrics(summaries)
        self.params()
        self.tags()
        self.data()
        self.models()
        self.files()
        self.receipt()

    def head(self) -> None:
        """Print what the run is: name, state, times, where it comes from."""
        info, tags = self.run.info, self.run.data.tags
        title = Text(printable(info.run_name or info.run_id), style="bold").append("  ")
        self.out.print(title.append_text(status_text(info)))
        experiment = self.store.get_experiment(info.experiment_id)
        began = f"{absolute(info.start_time)} ({relative(info.start_time)})"
        spent = took(info)
        pairs: list[tuple[str, str | Text]] = [
            ("id", Text(info.run_id, style="yellow")),
            ("experiment", f"{printable(experiment.name)} (id {info.experiment_id})"),
            ("started", f"{began}, took {spent}" if spent and info.end_time else began),
        ]
        source = _source(tags)
        if source:
            pairs.append(("source", printable(source)))
        if info.user_id:
            pairs.append(("user", printable(info.user_id)))
        if EXIT_REASON in tags:
            pairs.append(("ended by", Text(printable(tags[EXIT_REASON]), style="red")))
        pairs += self._family()
        if tags.get(DESCRIPTION):
            pairs.append(("note", printable(tags[DESCRIPTION])))
        self.out.fields(pairs)

    def failure(self) -> None:
        """Print the exception that ended the run, and the last lines of its traceback."""
        body = self.store.get_document(self.run.info.run_id, "failure")
        if body is None:
            return
        failure: dict[str, Any] = json.loads(body)
        lines = str(failure.get("traceback", "")).rstrip().splitlines()
        self.out.title("Failure")
        if not self.everything and len(lines) > _TRACEBACK_LINES:
            self.out.note(f"  ... {plural(len(lines) - _TRACEBACK_LINES, 'line')} more (--all)")
            lines = lines[-_TRACEBACK_LINES:]
        self.out.print(*(Text(f"  {printable(line)}", style="red") for line in lines))

    def metrics(self, summaries: list[MetricSummary]) -> None:
        """Print the metrics: single values first, then curves."""
        single = [s for s in summaries if s.count == 1]
        several = [s for s in summaries if s.count > 1]
        if not summaries:
            self.out.title("Metrics")
            self.out.note("  none")
            return
        if single:
            self.out.title("Metrics")
            self._pairs([(s.key, number(s.latest)) for s in single], right=True)
        if several:
            self.out.title("Curves")
            several.sort(key=lambda s: importance(s.key))
            shown = several if self.everything else several[:MOST_CURVES]
            for position, summary in enumerate(shown):
                if position:
                    self.out.print("")
                self._curves(summary)
            self._small_curves(several[len(shown) :])

    def _small_curves(self, summaries: list[MetricSummary]) -> None:
        """Print a line for each metric."""
        if not summaries:
            return
        self.out.print("")
        width = min(max(width_of(printable(s.key)) for s in summaries), 30)
        for summary in summaries:
            ellipsis = "…" if self.out.unicode else "..."
            name = shorten(printable(summary.key), width, ellipsis)
            line = Text(f"  {name}{' ' * (width - width_of(name) + 2)}")
            points = [
                point
                for curve in read_curves(self.store, self.run.info.run_id, summary.key)
                for point in curve.points
            ]
            line.append(sparkline(points, SMALL_WIDTH, self.out.characters), style=CURVE_STYLE)
            self.out.print(line.append(f"  last {number(summary.latest)}", style="dim"))
        self.out.note("  to see one large: --metric NAME; all: --all")

    def chosen_curves(self, keys: Sequence[str], summaries: list[MetricSummary]) -> None:
        """Print the curves of these metrics."""
        by_key = {summary.key: summary for summary in summaries}
        for key in keys:
            self.out.print("")
            self._curves(by_key[key])

    def params(self) -> None:
        """Print the parameters."""
        params = sorted(self.run.data.params.items())
        if not params:
            return
        self.out.title("Parameters")
        shown = params if self.everything else params[:MOST_PARAMS]
        self._pairs(shown)
        self._more(len(params) - len(shown), "parameter")

    def tags(self) -> None:
        """Print the user's tags, and with ``everything`` the inner ones too."""
        tags = [
            (key, value)
            for key, value in sorted(self.run.data.tags.items())
            if self.everything or not key.startswith(_INNER_TAGS)
        ]
        if tags:
            self.out.title("Tags")
            self._pairs(tags, columns=1)

    def data(self) -> None:
        """Print the data sets that the run read."""
        if self.run.inputs.dataset_inputs:
            self.out.title("Data")
            self._pairs([_dataset(given) for given in self.run.inputs.dataset_inputs], columns=1)

    def models(self) -> None:
        """Print the models that the run wrote."""
        outputs = self.run.outputs.model_outputs
        if not outputs:
            return
        self.out.title("Models")
        pairs = []
        for output in outputs:
            try:
                model = self.store.get_logged_model(output.model_id)
            except NotFound:
                pairs.append((output.model_id, "deleted"))
                continue
            state = "" if model.status == "READY" else f"  {model.status}"
            pairs.append((model.name, f"{model.model_uri}{state}"))
        self._pairs(pairs, columns=1)

    def files(self) -> None:
        """Print the run's files as a tree."""
        try:
            found = list(itertools.islice(walk(self.run), None if self.everything else 1000))
        except ChiplogError as error:
            self.out.title("Files")
            self.out.note(f"  cannot be listed: {error}")
            return
        if not found:
            return
        total = sum(file.file_size or 0 for file in found)
        number_of = sum(not file.is_dir for file in found)
        self.out.title(f"Files: {plural(number_of, 'file')}, {size(total)}")
        shown = found if self.everything else found[:MOST_FILES]
        self._pairs([_file(file) for file in shown], right=True, columns=1)
        self._more(len(found) - len(shown), "entry", "entries")
        self.out.note(f"  in {self.run.info.artifact_uri}")

    def receipt(self) -> None:
        """Print in a line who recorded the run."""
        from chiplog.cli.receipts import in_short, read_receipt

        sessions = read_receipt(self.store, self.run.info.run_id)
        if sessions:
            self.out.title("Receipt")
            for session in sessions[:3]:
                self.out.wrapped(Text("  ") + in_short(session), 4)
            short = self.run.info.run_id[:8]
            self.out.note(f"  for more: chiplog explain {short}")

    def _curves(self, summary: MetricSummary) -> None:
        for curve in read_curves(self.store, self.run.info.run_id, summary.key):
            show_curve(self.out, summary, curve, self.height)

    def _family(self) -> list[tuple[str, str | Text]]:
        """The run's parent and its children."""
        info = self.run.info
        pairs: list[tuple[str, str | Text]] = []
        parent = self.run.data.tags.get(PARENT_RUN_ID)
        if parent:
            pairs.append(("parent", Text(parent, style="yellow")))
        children = self.store.search_runs(
            [info.experiment_id],
            f"tags.`{PARENT_RUN_ID}` = {quote(info.run_id)}",
            ViewType.ACTIVE_ONLY,
            MOST_CHILDREN,
            None,
            None,
        )
        if children:
            more = " or more" if children.token else ""
            short = short_ids([info.run_id])[info.run_id]
            pairs.append(
                (
                    "children",
                    f"{plural(len(children), 'run')}{more}: chiplog runs list --parent {short}",
                )
            )
        return pairs

    def _pairs(
        self, pairs: Sequence[tuple[str, str]], *, right: bool = False, columns: int = 3
    ) -> None:
        width = self.out.width - 2
        for line in pair_lines(
            pairs, width, right=right, most_columns=columns, unicode=self.out.unicode
        ):
            self.out.print(Text("  ") + line)

    def _more(self, left: int, what: str, several: str | None = None) -> None:
        if left > 0:
            self.out.note(f"  and {plural(left, what, several)} more (--all)")


def _check_known(keys: Sequence[str], summaries: list[MetricSummary]) -> None:
    known = [summary.key for summary in summaries]
    for key in keys:
        if key not in known:
            names = ", ".join(map(repr, known)) or "none"
            raise NotFound(f"The run has no metric {key!r}. It has: {names}.")


def _source(tags: dict[str, str]) -> str:
    """Where a run comes from: the script, and the commit it was at."""
    parts = []
    name = tags.get(SOURCE_NAME)
    if name:
        parts.append(name)
    commit = tags.get(GIT_COMMIT)
    if commit:
        branch = tags.get(GIT_BRANCH)
        dirty = tags.get(GIT_DIRTY, "").lower() == "true"
        parts.append(
            f"at git {commit[:10]}"
            + (f" on {branch}" if branch else "")
            + (", with uncommitted changes" if dirty else "")
        )
    return " ".join(parts)


def _dataset(given: DatasetInput) -> tuple[str, str]:
    data = given.dataset
    context = next((t.value for t in given.tags if t.key == DATA_CONTEXT), "")
    facts = [context] if context else []
    facts += _profile(data.profile)
    facts.append(f"digest {data.digest}")
    return data.name, ", ".join(facts)


def _profile(profile: str | None) -> list[str]:
    try:
        known = json.loads(profile or "{}")
    except ValueError:
        return []
    if not isinstance(known, dict):
        return []
    facts = []
    if isinstance(known.get("num_rows"), int):
        facts.append(plural(known["num_rows"], "row"))
    for key in ("shape", "features_shape", "features_num_rows"):
        shape = known.get(key)
        if isinstance(shape, list):
            facts.append(" x ".join(str(part) for part in shape))
    return facts


def _file(file: FileInfo) -> tuple[str, str]:
    path = PurePosixPath(file.path)
    indent = "  " * (len(path.parts) - 1)
    name = f"{indent}{path.name}" + ("/" if file.is_dir else "")
    return shorten(name, 60), size(file.file_size) if not file.is_dir else ""
