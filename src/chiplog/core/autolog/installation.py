"""An integration as it stands in this process: its settings, its patches, and what became of it."""

from __future__ import annotations

import functools
import logging
import sys
import threading
from importlib import metadata
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.calls import missing_wrapper, observing_wrapper, training_wrapper
from chiplog.core.autolog.receipt import Hook, Receipt
from chiplog.core.autolog.silence import hushed
from chiplog.core.autolog.versions import installed_version, is_known
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.hooks.guard import is_strict, report
from chiplog.hooks.manager import plugins
from chiplog.hooks.patcher import Patcher, definer, target_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import ModuleType
    from typing import Self

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.integration import Integration, Point
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.autolog.session_run import SessionRun
    from chiplog.hooks.wrapping import Wrapper

_log = logging.getLogger("chiplog.autolog")

WAITING, INSTALLED, UNSUPPORTED, FAILED, OFF = (
    "waiting",
    "installed",
    "unsupported",
    "failed",
    "off",
)


@functools.cache
def _own_version() -> str:
    return metadata.version("chiplog")


class Installation:
    """An integration that is switched on, until it is reverted.

    Attributes:
        integration: what its author filled in.
        config: its settings.
        flavor: its name.
        tag: what the tag ``mlflow.autologging`` of its runs says.
        configured_by: the integration whose ``autolog()`` set it up: itself, or the one it goes
            along with; "" if it was the global one.
        patcher: the ledger of its patches; what is patched through it is undone with it.
        state: ``waiting`` for the import, ``installed``, ``unsupported``, ``failed`` or ``off``.
        reason: why it is in that state, where that needs a word.
        version: the framework's version, once it is imported.
        trained: the runs of trained objects.
        continuing: the sessions of objects that are trained in steps.
        training: the training functions that are watched, as owner and name.
    """

    def __init__(
        self, integration: Integration, config: AutologConfig, *, configured_by: str = ""
    ) -> None:
        self.integration = integration
        self.config = config
        self.flavor = integration.name
        self.tag = integration.configured_by or integration.name
        self.configured_by = configured_by
        self.patcher = Patcher(integration.name)
        self.state = OFF
        self.reason: str | None = None
        self.version: str | None = None
        self.known = True
        self.trained: WeakIdMap[SessionRun] = WeakIdMap()
        self.continuing: WeakIdMap[TrainingSession] = WeakIdMap()
        self._not_installed: list[Hook] = []
        self.training: list[tuple[type | ModuleType, str]] = []
        self._points = 0
        self._lock = threading.Lock()

    # Switching on and off

    def switch_on(self) -> None:
        """Install now if the framework is imported, else when it will be."""
        self.state = WAITING
        for module in self.integration.modules:
            self.patcher.on_import(module, self._imported)

    def switch_off(self) -> None:
        """Undo everything."""
        was_installed = self.state == INSTALLED
        self.state = OFF
        account.settled(self.flavor)
        try:
            if was_installed:
                self.integration.uninstall(self)
        finally:
            self.patcher.undo()
            self.continuing.clear()
            self.training.clear()

    def look_up(self) -> Self:
        """Find out the framework's version without patching anything."""
        for name in self.integration.modules:
            if name in sys.modules:
                self._find_version(sys.modules[name])
        return self

    def _find_version(self, module: ModuleType) -> None:
        self.version = installed_version(module, self.integration.distribution)
        self.known = is_known(self.version, self.integration.versions)

    def _imported(self, module: ModuleType) -> None:
        with self._lock:
            if self.state != WAITING:
                return
            self.state = INSTALLED
        label = f"setting up {self.flavor}"
        with hushed(silent=self.config.silent), nesting.suspended(), self.watched(label):
            try:
                self._install(module)
            except Exception as error:
                self.state = FAILED
                self.reason = f"it could not be set up: {type(error).__name__}: {error}"
                account.trouble(self.flavor, self.reason)
                self.patcher.undo()
                if is_strict():
                    raise
                report(f"Setting up autologging of {self.flavor}", error)

    def _install(self, module: ModuleType) -> None:
        integration = self.integration
        self._find_version(module)
        if not self.known and not self._goes_on_unknown():
            return
        for point in integration.points():
            self.watch(point)
        integration.install(self)

    def _goes_on_unknown(self) -> bool:
        """Whether to record a version that is not known; says so either way."""
        asked = f"{self.framework} is not among the versions chiplog knows ({self.supported})"
        if self.config.disable_for_unsupported_versions:
            self.state = UNSUPPORTED
            self.reason = f"{asked}, and disable_for_unsupported_versions is set"
            account.trouble(self.flavor, self.reason)
            return False
        _log.warning("%s: what is recorded of it may be incomplete.", asked)
        return True

    # For the author of an integration

    def watch(self, point: Point) -> bool:
        """Install a point; says whether it could be. What is missing is told in the receipt."""
        label = target_name(point.owner, point.name)
        owner = definer(point.owner, point.name) if isinstance(point.owner, type) else point.owner
        try:
            done = owner is not None and self.patcher.wrap(
                owner, point.name, self._wrapper(point, label)
            )
            reason = None if done else "there is no such function in this version"
        except Exception as error:
            done, reason = False, f"{type(error).__name__}: {error}"
        if done:
            self._points += 1
            if owner is not None and point.watch is not None:
                self.training.append((owner, point.name))
        else:
            self._not_installed.append(Hook(label, installed=False, reason=reason))
        return done

    def note_hook(self, label: str, done: bool = True) -> None:
        """Put down what was installed without a point, as ``label``, or could not be."""
        if done:
            self._points += 1
        else:
            missing = "there is no such function in this version"
            self._not_installed.append(Hook(label, installed=False, reason=missing))

    def wrapper(self, point: Point) -> Wrapper:
        """The wrapper that :meth:`watch` would put in, for use with :attr:`patcher` directly."""
        return self._wrapper(point, target_name(point.owner, point.name))

    def on_import(self, module: str, callback: Callable[[ModuleType], object]) -> None:
        """Call back when a further module of the framework has been imported, guarded."""

        def imported(found: ModuleType) -> None:
            if self.state == INSTALLED:
                with nesting.suspended():
                    self.guarded(f"Setting up {module}", callback, found)

        self.patcher.on_import(module, imported)

    def run_of(self, trained: object) -> SessionRun | None:
        """The run in which this very object was trained, or None."""
        return self.trained.get(trained)

    def guarded(self, what: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call something of ours with watching switched off; an exception is one warning."""
        with hushed(silent=self.config.silent), nesting.suspended(), self.watched(what):
            try:
                function(*arguments)
            except Exception as error:
                if is_strict():
                    raise
                report(what, error)

    @property
    def explicit(self) -> bool:
        """Whether it was set up by an ``autolog()`` that the global one does not override."""
        return self.configured_by != ""

    def watched(self, what: str) -> AbstractContextManager[None]:
        """Around code of the integration's: one that does not come back is named."""
        return plugins().watched_code_of(self.integration, what)

    @property
    def framework(self) -> str:
        """The framework and its version in words."""
        return f"{self.integration.distribution} {self.version or '(unknown version)'}"

    @property
    def supported(self) -> str:
        """The versions that are known to work."""
        return self.integration.versions or "any"

    # For the receipt

    def new_receipt(self) -> Receipt:
        """The receipt of a session that begins."""
        return Receipt(
            self.flavor, self.framework, self.supported, known=self.known, chiplog=_own_version()
        )

    def fill_hooks(self, receipt: Receipt, fired: dict[str, int]) -> None:
        """Tell in a receipt which hooks fired and which are missing."""
        counts = {hook.point: hook.fired for hook in receipt.hooks if hook.installed}
        for point, count in list(fired.items()):
            counts[point] = counts.get(point, 0) + count
        receipt.hooks = [
            *(Hook(point, fired=count) for point, count in counts.items()),
            *self._not_installed,
        ]
        receipt.hooks_installed = self._points

    def _wrapper(self, point: Point, label: str) -> Wrapper:
        if point.uncaptured is not None:
            return missing_wrapper(self, point, label)
        if point.observer is not None or point.before is not None:
            return observing_wrapper(self, point, label)
        return training_wrapper(self, point, label)
