"""Watches the fits of LightGBM's scikit-learn estimators, and the ``train`` inside them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import boosting
from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.lightgbm.config import LightGBMConfig
from chiplog.integrations.lightgbm.train import Training, model_log

if TYPE_CHECKING:
    from collections.abc import Callable


class _Awaited(threading.local):
    """The fit of this thread that is about to call ``train``."""

    watch: FitWatch | None = None


_awaited = _Awaited()


class FitWatch(Watch[LightGBMConfig]):
    """Watches ``fit`` of an estimator: the model is the estimator, all else is its training's."""

    training: Training | None = None
    sample: Any = None
    estimator_params: dict[str, Any]
    sees_training: Callable[..., Any]

    def before(self, call: Call) -> None:
        """Record what is trained; keep the first rows, and wait for the training inside."""
        estimator = call.instance
        cls = type(estimator)
        with self.session.capture("tags"):
            self.session.set_tags(
                {
                    "estimator_name": cls.__name__,
                    "estimator_class": f"{cls.__module__}.{cls.__name__}",
                }
            )
        with self.session.capture("params") as note:
            note.is_preparation = True
            self.estimator_params = boosting.as_params(
                estimator.get_params(deep=False), without=["callbacks"]
            )
        if model_log(self.session, self.options, "skops").wants_sample:
            self.sample = boosting.sample_of(call.argument("X"))
        self.sees_training = self.session.callback(
            "the beginning of training", self._training_begins
        )
        _awaited.watch = self

    def _training_begins(self, call: Call) -> None:
        training = Training(self.session, self.options)
        training.begin(call, self.estimator_params)
        self.training = training

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record what training came to, and the estimator as the model."""
        _awaited.watch = None
        if self.training is None:
            self._log_params()
            self.session.skipped("evaluation results", "this fit did not call lightgbm.train")
        else:
            self.training.end(call.instance.booster_)
        model_log(self.session, self.options, "skops").save(call.instance, self.sample)

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Record what was known until then."""
        _awaited.watch = None
        if self.training is None:
            self._log_params()
        else:
            self.training.stop()

    def _log_params(self) -> None:
        with self.session.capture("params") as note:
            note.count = self.session.log_params(self.estimator_params)


def around_inner_train(
    wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Around the ``train`` that estimators call: the first one inside a watched fit is recorded."""
    watch, _awaited.watch = _awaited.watch, None
    if watch is None:
        return wrapped(*args, **kwargs)
    call = Call(wrapped, instance, args, dict(kwargs), "train")
    watch.sees_training(call)
    if watch.training is None:
        return wrapped(*args, **kwargs)
    return wrapped(*call.args, **call.kwargs)
