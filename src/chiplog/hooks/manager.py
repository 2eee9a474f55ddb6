"""The plugin manager: what ships with chiplog and what others publish register alike.

Plugins are found through the entry-point group ``chiplog`` when the first hook is needed, not at
``import chiplog``. A plugin that cannot be loaded is one warning and harms no other.

Environment:
    CHIPLOG_DISABLED_PLUGINS: names to leave out, separated by commas; ``*`` leaves out third
        parties' alone.
    CHIPLOG_TRACE_PLUGINS: ``1`` prints every hook call with its arguments to stderr.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from chiplog.hooks import spec
from chiplog.hooks.guard import is_strict
from chiplog.hooks.markers import PROJECT
from chiplog.hooks.watchdog import Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pluggy import HookImpl

_log = logging.getLogger("chiplog.plugins")

GROUP = "chiplog"

FIRST_PARTY = "chiplog"


@dataclass(frozen=True)
class PluginInfo:
    """A plugin: where it comes from, and what it provides or why it could not be loaded."""

    name: str
    distribution: str
    version: str
    module: str
    hooks: tuple[str, ...] = ()
    error: str | None = None
    disabled: bool = False


class PluginManager(pluggy.PluginManager):
    """A pluggy manager that isolates plugins from each other and reports on them."""

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(spec)
        self._infos: dict[str, PluginInfo] = {}
        self._reported: set[tuple[str, str]] = set()
        self._inner_hookexec = self._call_isolated  # pluggy's own seam for tracing and isolation
        if os.environ.get("CHIPLOG_TRACE_PLUGINS") == "1":
            self.trace.root.setwriter(lambda text: sys.stderr.write(f"chiplog {text}"))
            self.enable_tracing()

    @property
    def infos(self) -> list[PluginInfo]:
        """Every plugin that was found, the broken and the disabled included."""
        return list(self._infos.values())

    def discover(self) -> None:
        """Load every plugin of the entry-point group; chiplog's own first, then by name."""
        found = sorted(
            metadata.entry_points(group=GROUP),
            key=lambda entry: (_distribution(entry) != FIRST_PARTY, entry.name),
        )
        disabled = {name.strip() for name in _env("DISABLED_PLUGINS").split(",") if name.strip()}
        for entry in found:
            if entry.name in self._infos:
                continue
            third_party = _distribution(entry) != FIRST_PARTY
            if entry.name in disabled or (third_party and "*" in disabled):
                self._infos[entry.name] = _info(entry, disabled=True)
            else:
                self._load(entry)

    def add(self, plugin: object, name: str) -> None:
        """Register a plugin by hand, as tests and applications do."""
        self.register(plugin, name)
        self._infos[name] = PluginInfo(
            name, "(registered)", "", getattr(plugin, "__name__", repr(plugin)), self._hooks(plugin)
        )

    def remove(self, name: str) -> None:
        """Take out a plugin that was added by hand."""
        self.unregister(name=name)
        self._infos.pop(name, None)

    def _load(self, entry: metadata.EntryPoint) -> None:
        try:
            with self._watched_loading(entry):
                plugin = entry.load()
            self.register(plugin, entry.name)
            self._check(plugin)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._forget(entry.name)
            reason = f"{type(error).__name__}: {error}"
            self._infos[entry.name] = _info(entry, error=reason)
            _log.warning(
                "Plugin %r (%s %s) could not be loaded and is left out: %s. "
                "Update or uninstall it, or set CHIPLOG_DISABLED_PLUGINS=%s.",
                entry.name,
                _distribution(entry),
                _version(entry),
                reason,
                entry.name,
            )
        else:
            self._infos[entry.name] = _info(entry, hooks=self._hooks(plugin))

    def _watched_loading(
        self, entry: metadata.EntryPoint
    ) -> contextlib.AbstractContextManager[None]:
        if _distribution(entry) == FIRST_PARTY:
            return _UNWATCHED
        return Watched(entry.name, f"{_distribution(entry)} {_version(entry)}", "its import")

    def _check(self, plugin: object) -> None:
        """Raise ValueError if a plugin implements what there is no hook for."""
        for caller in self.get_hookcallers(plugin) or ():
            if not hasattr(spec, caller.name):
                raise ValueError(f"it implements {caller.name!r}, which is no hook of this chiplog")
            for method in caller.get_hookimpls():
                if method.plugin is plugin and (method.wrapper or method.hookwrapper):
                    raise ValueError(f"its {caller.name!r} is a hook wrapper; write a plain hook")

    def _forget(self, name: str) -> None:
        """Take out a plugin that was registered in part."""
        if self.has_plugin(name):
            self.unregister(name=name)

    def _hooks(self, plugin: object) -> tuple[str, ...]:
        return tuple(sorted(caller.name for caller in self.get_hookcallers(plugin) or ()))

    def _call_isolated(
        self,
        hook_name: str,
        hook_impls: Sequence[HookImpl],
        caller_kwargs: Mapping[str, object],
        firstresult: bool,
    ) -> Any:
        """Call a hook; a plugin that raises is left out of this call and named once.

        Hooks of ``firstresult`` kind open what the user asked for: there the error is the answer.
        """
        if firstresult:
            return self._first_result(hook_name, hook_impls, caller_kwargs)
        results: list[Any] = []
        for method in hook_impls:
            try:
                arguments = [caller_kwargs[name] for name in method.argnames]
                with self.watched(method.plugin_name, hook_name):
                    result = _checked(hook_name, method.function(*arguments))
            except Exception as error:
                if is_strict() and not self._is_third_party(method.plugin_name):
                    raise
                self._report(method.plugin_name, hook_name, error)
            else:
                if result is not None:
                    results.append(result)
        return results

    def _first_result(
        self, hook_name: str, hook_impls: Sequence[HookImpl], caller_kwargs: Mapping[str, object]
    ) -> Any:
        """What the first plugin hands back that hands back anything; the last registered first."""
        for method in reversed(hook_impls):
            arguments = [caller_kwargs[name] for name in method.argnames]
            with self.watched(method.plugin_name, hook_name):
                result = method.function(*arguments)
            if result is not None:
                return result
        return None

    def watched(self, plugin: str, what: str) -> contextlib.AbstractContextManager[None]:
        """Around code of a plugin's: one of others' that does not come back is named."""
        info = self._infos.get(plugin)
        if info is None or info.distribution == FIRST_PARTY:
            return _UNWATCHED
        return Watched(plugin, f"{info.distribution} {info.version}".strip(), what)

    def watched_code_of(
        self, provided: object, what: str
    ) -> contextlib.AbstractContextManager[None]:
        """As :meth:`watched`, around code of something that a plugin provided."""
        package = type(provided).__module__.partition(".")[0]
        if package == FIRST_PARTY:
            return _UNWATCHED
        for info in self._infos.values():
            if info.module.partition(".")[0].partition(":")[0] == package:
                return self.watched(info.name, what)
        return _UNWATCHED

    def _is_third_party(self, plugin: str) -> bool:
        info = self._infos.get(plugin)
        return info is not None and info.distribution != FIRST_PARTY

    def _report(self, plugin: str, hook: str, error: Exception) -> None:
        if (plugin, hook) in self._reported:
            return
        self._reported.add((plugin, hook))
        info = self._infos.get(plugin)
        _log.warning(
            "Plugin %r (%s) failed in %s and is left out of it: %s: %s",
            plugin,
            f"{info.distribution} {info.version}".strip() if info else "unknown",
            hook,
            type(error).__name__,
            error,
        )


_UNWATCHED: contextlib.AbstractContextManager[None] = contextlib.nullcontext()

_lock = threading.RLock()
_manager: PluginManager | None = None


def plugins() -> PluginManager:
    """The one plugin manager, with every plugin loaded."""
    global _manager  # noqa: PLW0603 - one per process
    if _manager is None:
        with _lock:
            if _manager is None:
                manager = PluginManager()
                manager.discover()
                _manager = manager
    return _manager


def _checked(hook: str, result: Any) -> Any:
    """What a hook handed back, as it is to be; raises TypeError if it is something else."""
    if result is None:
        return None
    if hook in spec.MAPPINGS:
        if not isinstance(result, Mapping):
            raise TypeError(f"it handed back {result!r:.80}, which is no mapping of texts")
        wrong = [key for key, text in result.items() if not {type(key), type(text)} <= {str}]
        if wrong:
            raise TypeError(f"it handed back {result[wrong[0]]!r:.80} for {wrong[0]!r}, not text")
    elif hook in spec.LISTS:
        result = list(result)
        nameless = [one for one in result if not isinstance(getattr(one, "name", None), str)]
        if nameless:
            raise TypeError(f"it handed back {nameless[0]!r:.80}, which has no name")
    return result


def _env(name: str) -> str:
    return os.environ.get(f"CHIPLOG_{name}", "")


def _distribution(entry: metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _version(entry: metadata.EntryPoint) -> str:
    return entry.dist.version if entry.dist else "unknown"


def _info(
    entry: metadata.EntryPoint,
    *,
    hooks: tuple[str, ...] = (),
    error: str | None = None,
    disabled: bool = False,
) -> PluginInfo:
    return PluginInfo(
        entry.name, _distribution(entry), _version(entry), entry.value, hooks, error, disabled
    )
