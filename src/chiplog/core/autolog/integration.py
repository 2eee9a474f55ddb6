"""What the author of an integration fills in: where to look, and what to read there.

    class SklearnIntegration(Integration):
        name = "sklearn"
        distribution = "scikit-learn"
        versions = ">=1.4"
        modules = ("sklearn",)
        options = SklearnConfig

        def points(self) -> Iterable[Point]:
            for estimator in fitting_estimators():
                yield Point(estimator, "fit", FitWatch)

    class FitWatch(Watch[SklearnConfig]):
        def before(self, call: Call) -> None:
            with self.session.capture("params"):
                self.session.log_params(flat_params(call.instance))

        def after(self, call: Call, result: Any) -> None:
            with self.session.capture("metrics"):
                self.session.log_metrics(training_scores(call.instance, call))

Everything written here runs guarded: an exception is one warning and a line in the receipt, never
the user's trouble. The user's own call is made by the engine, once, outside every guard.
"""

from __future__ import annotations

import functools
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from chiplog.core.autolog.config import AutologConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType, ModuleType

    from chiplog.core.autolog.destination import Destination
    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.session import TrainingSession

ConfigT = TypeVar("ConfigT", bound=AutologConfig)


class Call:
    """One call of a watched function.

    Attributes:
        function: the original, bound to ``instance`` if it is a method.
        instance: the object whose method was called, the class for a classmethod, None otherwise.
        args: the positional arguments. :meth:`Watch.before` may replace them, to add a callback
            the framework's own way; the user's objects themselves must not be changed.
        kwargs: the keyword arguments, a dict of this call alone. May be replaced likewise.
        name: the name the function was watched under, such as ``"fit"``.
    """

    __slots__ = ("args", "function", "instance", "kwargs", "name")

    def __init__(
        self,
        function: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str,
    ) -> None:
        self.function = function
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.name = name

    def arguments(self) -> dict[str, Any]:
        """Every argument by its name, defaults included; ``*args``, ``**kwargs`` stay grouped."""
        bound = inspect.signature(self.function).bind(*self.args, **self.kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def argument(self, name: str, default: Any = None) -> Any:
        """The argument of that name as the user gave it, else ``default``."""
        if name in self.kwargs:
            return self.kwargs[name]
        position = _positions(self.function).get(name)
        if position is not None and position < len(self.args):
            return self.args[position]
        return default

    def name_of(self, value: object) -> str | None:
        """The name under which the code that made this call knows ``value``, if it has one."""
        here = sys._getframe(1)  # noqa: SLF001 - to see the caller's names
        frame: FrameType | None = here
        while frame is not None and not _is_ours(frame):  # a third party's plugin asks
            frame = frame.f_back
        frame = frame or here
        while frame is not None and _is_ours(frame):
            frame = frame.f_back
        if frame is None:
            return None
        for scope in (frame.f_locals, frame.f_globals):
            for name, held in list(scope.items()):
                if held is value and name.isidentifier() and not name.startswith("_"):
                    return name
        return None


def _is_ours(frame: FrameType) -> bool:
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith(("chiplog.core", "chiplog.hooks", "chiplog.integrations", "wrapt"))


@functools.lru_cache(maxsize=512)
def _positions_of(function: Callable[..., Any], *, bound: bool) -> dict[str, int]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}
    skipped = 1 if bound else 0
    return {
        parameter.name: position - skipped
        for position, parameter in enumerate(parameters)
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    }


def _positions(function: Callable[..., Any]) -> dict[str, int]:
    """Where each argument stands; remembered by the plain function, which outlives any call."""
    if inspect.ismethod(function):
        return _positions_of(function.__func__, bound=True)
    if inspect.isfunction(function):
        return _positions_of(function, bound=False)
    return _positions_of.__wrapped__(function, bound=False)


class Watch(Generic[ConfigT]):
    """Watches one training call, from before it begins until after it ended.

    A fresh object for each call that is logged, which is the outermost one only: the fits inside a
    pipeline, a search or a cross-validation are left alone.

    Attributes:
        session: where to log.
        options: the integration's settings.
        installation: the integration as it stands in this process.
    """

    def __init__(
        self, session: TrainingSession, options: ConfigT, installation: Installation
    ) -> None:
        self.session = session
        self.options = options
        self.installation = installation

    @classmethod
    def wants(cls, call: Call, options: ConfigT) -> bool:  # noqa: ARG003
        """Whether this call is to be logged; asked before a run is made. Must be quick."""
        return True

    @classmethod
    def continues(cls, call: Call) -> object | None:  # noqa: ARG003
        """The object whose repeated calls make one session, or None.

        For training in steps, such as ``partial_fit``: the first call opens the run, each further
        one goes on in it. ``self.session.step`` counts the calls, from 0.
        """
        return None

    @classmethod
    def destination(cls, call: Call) -> Destination | None:  # noqa: ARG003
        """The run to record this call into, or None for the active one or a new one.

        For a framework whose objects name a run: a logger that the user made, or a checkpoint that
        the training goes on from.
        """
        return None

    def before(self, call: Call) -> None:
        """Record what is known before training. May replace ``call.args`` and ``call.kwargs``."""

    def after(self, call: Call, result: Any) -> None:
        """Record what training came to. ``result`` goes to the user untouched."""

    def failed(self, call: Call, error: BaseException) -> None:
        """Record what is left to record when training raised ``error``; it goes to the user."""


@dataclass(frozen=True)
class Point:
    """A function to watch.

    Attributes:
        owner: the class or module that holds it. A class that only inherits the method is watched
            where the method is defined.
        name: the attribute's name.
        watch: how a training call is recorded.
        observer: instead of ``watch``: called with the call and its result after each call made
            outside training, such as ``predict``. It opens no run.
        before: with ``observer``: called before the call, to look at arguments before they change.
        uncaptured: instead of both: why calls of this training function cannot be recorded. If
            nothing else was, the user is told so at exit.
    """

    owner: type | ModuleType
    name: str
    watch: type[Watch[Any]] | None = None
    observer: Callable[[Call, Any], None] | None = None
    before: Callable[[Call], None] | None = None
    uncaptured: str | None = None


class Integration:
    """A framework chiplog records. Subclass it and fill it in; the engine reads every attribute.

    One object is made per process. It must not import its framework before :meth:`points` or
    :meth:`install` is called: the engine calls them once the user has imported it.

    Attributes:
        name: what ``chiplog.<name>.autolog()`` and the tag ``mlflow.autologging`` say.
        distribution: the framework's distribution, such as ``"scikit-learn"``.
        versions: the versions that are known to work, such as ``">=1.4"`` or ``">=2.1,<4"``.
        modules: the modules to wait for. Installation takes place when the first one is imported.
        options: its settings; the signature of its ``autolog()`` is made from them.
        module: import path of the public module that ``chiplog.<name>`` stands for; a flavor of
            the same name names it likewise.
        accompanies: whether it trains nothing itself and is switched on with any other integration.
        configured_by: the name of another integration whose ``autolog()`` sets this one up too, as
            ``chiplog.pytorch.autolog()`` does Lightning, and whose name its runs carry in the tag
            ``mlflow.autologging``. Its own ``autolog()`` works as well, and then wins.
    """

    name: ClassVar[str]
    distribution: ClassVar[str]
    versions: ClassVar[str] = ""
    modules: ClassVar[tuple[str, ...]]
    options: ClassVar[type[AutologConfig]] = AutologConfig
    module: ClassVar[str] = ""
    accompanies: ClassVar[bool] = False
    configured_by: ClassVar[str] = ""

    def points(self) -> Iterable[Point]:
        """The functions to watch. Called once the framework is imported."""
        return ()

    def install(self, installation: Installation) -> None:
        """Do what points cannot say, through ``installation.patcher`` and ``installation.watch``.

        Called after the points were installed. What was patched through the patcher is undone
        without being told to.
        """

    def uninstall(self, installation: Installation) -> None:
        """Let go of what :meth:`install` holds beside the patcher's patches."""
