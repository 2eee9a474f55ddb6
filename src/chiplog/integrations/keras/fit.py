"""Watches ``fit``: settings before it, a callback in it, the model after it."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any, Final

import keras

from chiplog.core.autolog.integration import Call, Watch
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.errors import CannotSave
from chiplog.core.models.flavor import get_flavor
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.signature import ModelSignature
from chiplog.integrations.keras import boards, description
from chiplog.integrations.keras.callbacks import explicit_callback, flat
from chiplog.integrations.keras.checkpoints import Checkpoints
from chiplog.integrations.keras.config import KerasConfig
from chiplog.integrations.keras.data import FitData, schema_of_tensors
from chiplog.integrations.keras.integration import KerasIntegration, uses_names_of_tensorflow
from chiplog.integrations.keras.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.models.schema import Schema

EXAMPLE_ROWS: Final = 5
STOPPING: Final = ("monitor", "min_delta", "patience", "baseline", "restore_best_weights")

_NO_PARAMS: Final = frozenset({"x", "y", "callbacks", "validation_data", "verbose"})


class Chain:
    """Fits of one model that go on with one another: ``fit(…, initial_epoch=…)``."""


_chains: WeakIdMap[Chain] = WeakIdMap()


class FitWatch(Watch[KerasConfig]):
    """Watches ``fit`` of a Keras model.

    A fit that begins at an epoch after the first goes on in the run of that model's last fit.
    """

    recorder: Recorder | None = None
    checkpoints: Checkpoints | None = None
    sample: Any = None
    inputs: Schema | None = None
    stopping: Any = None
    logs: Sequence[str] = ()

    @classmethod
    def wants(cls, call: Call, options: KerasConfig) -> bool:  # noqa: ARG003
        """Whether a model is trained."""
        return isinstance(call.instance, keras.Model)

    @classmethod
    def continues(cls, call: Call) -> object | None:
        """What the fits of this model that go on with one another have in common."""
        chain = _chains.get(call.instance)
        if chain is None or not call.argument("initial_epoch", 0):
            chain = Chain()
            _chains.set(call.instance, chain)
        return chain

    def before(self, call: Call) -> None:
        """Record settings and data, and add the callback that records the rest."""
        data = FitData(call.argument("x"), call.argument("y"))
        arguments = call.arguments()
        batch_size = data.batch_size(arguments.get("batch_size"))
        self._log_params(call, arguments, batch_size)
        if self.options.log_datasets and self.session.step == 0:
            self._log_data("dataset", data, "train")
            if arguments.get("validation_data") is not None:
                given = FitData.of_pair(arguments["validation_data"])
                self._log_data("validation data", given, "eval")
        if self.options.log_models:
            self._look_at(data)
        with self.session.capture("callback") as note:
            note.is_preparation = True
            self._add_callback(call, arguments, data, batch_size)

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record how training ended, and the model."""
        self._log_end(call.instance)
        if self.options.log_models:
            self._save(call.instance)
        self._let_go()

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Record how far training came."""
        self._log_end(call.instance)
        self._let_go()

    # Before

    def _log_params(self, call: Call, arguments: dict[str, Any], batch_size: int | None) -> None:
        names = uses_names_of_tensorflow(self.installation)
        with self.session.capture("params") as note:
            params = {k: v for k, v in arguments.items() if k not in _NO_PARAMS}
            if _is_long(params.get("sample_weight")):
                params["sample_weight"] = f"given, a {type(params['sample_weight']).__name__}"
            if batch_size is None:
                params.pop("batch_size", None)
                self.session.skipped(
                    "param 'batch_size'",
                    f"batches of a {type(arguments.get('x')).__name__} are not looked at",
                )
            else:
                params["batch_size"] = batch_size
            optimizer = getattr(call.instance, "optimizer", None)
            if optimizer is not None:
                prefix = "opt_" if names else "optimizer_"
                params.update(description.optimizer_params(optimizer, prefix))
            self.stopping = _early_stopping(arguments.get("callbacks"))
            if self.stopping is not None:
                params.update(_stopping_params(self.stopping))
            if self.session.step:
                note.detail = f"goes on from epoch {arguments.get('initial_epoch')}"
                params = self._new_ones(params)
            note.count = self.session.log_params(params)

    def _new_ones(self, params: dict[str, Any]) -> dict[str, Any]:
        """Those that the fit which this one goes on with did not have."""
        known = self.session.writer.params
        for key, value in params.items():
            if key in known and known[key] != str(value):
                self.session.skipped(f"param {key!r}", f"the run began with {known[key]}")
        return {key: value for key, value in params.items() if key not in known}

    def _log_data(self, what: str, data: FitData, context: str) -> None:
        with self.session.capture(what) as note:
            described = data.describe()
            if described is None:
                note.skip(f"a {data.kind} is not described: that would take batches from it")
            else:
                self.session.log_dataset(described, context)

    def _look_at(self, data: FitData) -> None:
        """Take from the data what the model's signature and example need."""
        if self.options.log_model_signatures:
            with self.session.capture("signature") as note:
                note.is_preparation = True
                self.inputs = data.inputs()
        if self.options.log_input_examples:
            with self.session.capture("input example") as note:
                note.is_preparation = True
                self.sample = data.first_rows(EXAMPLE_ROWS)
                if self.sample is None:
                    note.skip(f"no rows are taken from a {data.kind}, which would consume them")

    def _add_callback(
        self, call: Call, arguments: dict[str, Any], data: FitData, batch_size: int | None
    ) -> None:
        given = arguments.get("callbacks")
        self.logs = boards.folders(given)
        model = call.instance
        explicit = explicit_callback(given)
        if explicit is not None and self.options is not explicit.config:
            self.session.skipped(
                "ChiplogCallback", "autologging records this training already, with its settings"
            )
        rows = data.rows()
        split = arguments.get("validation_split") or 0.0
        if rows is not None and split and arguments.get("validation_data") is None:
            rows = math.floor(rows * (1.0 - split))
        asked = self.options.checkpoint
        if asked or (asked is None and uses_names_of_tensorflow(self.installation)):
            self.checkpoints = Checkpoints(self.session, self.options, always=bool(asked))
        self.recorder = Recorder(
            self.session,
            self.options,
            rows=rows,
            batch_size=batch_size,
            watches_rate=_has_own_batch_hooks(given),
            checkpoints=self.checkpoints,
        )
        _put_in(call, _with(given, self.recorder, model))

    # After

    def _log_end(self, model: Any) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        with self.session.capture("batches") as note:
            recorder.finish()
            note.count = recorder.batches
        if recorder.last_epoch is None:
            return
        stopping = self.stopping
        self.session.captured("epochs", recorder.epochs)
        if self.checkpoints is not None and self.checkpoints.count:
            self.session.captured("checkpoints", self.checkpoints.count)
        boards.keep(self.session, self.logs)
        if stopping is None or not stopping.stopped_epoch:
            return
        with self.session.capture("early stopping") as note:
            metrics = {"stopped_epoch": stopping.stopped_epoch}
            if stopping.restore_best_weights and stopping.best_weights is not None:
                metrics["restored_epoch"] = stopping.best_epoch
            self.session.log_metrics(metrics)
            restored = metrics.get("restored_epoch")
            if restored is None:
                return
            history = getattr(getattr(model, "history", None), "history", {})
            found = _metrics_of(history, restored - (recorder.first_epoch or 0))
            note.count = len(metrics) + self.session.log_metrics(found, stopping.stopped_epoch + 1)

    def _save(self, model: Any) -> None:
        names = uses_names_of_tensorflow(self.installation)
        options = self.options
        with self.session.capture("model 'model'") as note:
            content = ModelContent(
                model,
                self._signature(model),
                self.sample,
                options={
                    "save_exported_model": options.save_exported_model,
                    "save_kwargs": options.saving,
                },
            )
            flavor = get_flavor("tensorflow" if names else KerasIntegration.name)
            try:
                info = self.session.log_model(flavor, content, ModelEntry("model"))
            except CannotSave as error:
                note.skip(str(error))
                return
            note.detail = info.model_uri
            for text in info.notes:
                self.session.degraded("model 'model'", text)

    def _signature(self, model: Any) -> ModelSignature | None:
        """What training saw go in, and what the model says comes out."""
        if not self.options.log_model_signatures:
            return None
        with self.session.capture("signature") as note:
            note.is_preparation = True
            inputs = self.inputs or schema_of_tensors(getattr(model, "inputs", None))
            outputs = schema_of_tensors(getattr(model, "outputs", None))
            if inputs is not None or outputs is not None:
                return ModelSignature(inputs, outputs)
            note.skip("neither the data nor the model tells its shapes")
        return None

    def _let_go(self) -> None:
        self.recorder = self.checkpoints = self.stopping = self.sample = None


def _early_stopping(callbacks: Any) -> Any:
    return next(
        (found for found in flat(callbacks) if isinstance(found, keras.callbacks.EarlyStopping)),
        None,
    )


def _stopping_params(stopping: Any) -> dict[str, Any]:
    params = {name: getattr(stopping, name, None) for name in STOPPING}
    if isinstance(params["min_delta"], (int, float)):
        params["min_delta"] = abs(params["min_delta"])  # Keras turns its sign, for "min"
    return params


def _metrics_of(history: dict[str, list[Any]], position: int) -> dict[str, Any]:
    """Each metric of an epoch; ``position`` is that of the epoch in the history."""
    return {
        name: values[position] for name, values in history.items() if 0 <= position < len(values)
    }


def _is_long(value: Any) -> bool:
    return hasattr(value, "shape") or (isinstance(value, (list, tuple)) and len(value) > 100)


def _has_own_batch_hooks(callbacks: Any) -> bool:
    """Whether a callback that is not Keras's own does something at each batch."""
    return any(
        not type(callback).__module__.startswith("keras.")
        and any(
            not getattr(getattr(callback, name, None), "_is_default", True)
            for name in ("on_train_batch_begin", "on_train_batch_end")
        )
        for callback in flat(callbacks)
    )


def _with(given: Any, recorder: Recorder, model: Any) -> Any:
    """The user's callbacks and ours after them; theirs are left as they are."""
    if isinstance(given, keras.callbacks.CallbackList):
        recorder.set_model(model)
        recorder.set_params(given.params)
        return keras.callbacks.CallbackList([given, recorder])
    if given is None:
        return [recorder]
    return [*given, recorder] if isinstance(given, (list, tuple)) else [given, recorder]


def _put_in(call: Call, callbacks: Any) -> None:
    names = list(inspect.signature(call.function).parameters)
    position = names.index("callbacks")
    if position < len(call.args):
        call.args = (*call.args[:position], callbacks, *call.args[position + 1 :])
    else:
        call.kwargs["callbacks"] = callbacks
