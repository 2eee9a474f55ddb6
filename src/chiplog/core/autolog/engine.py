"""``autolog()``: which integrations there are, and switching them on and off."""

from __future__ import annotations

import inspect
import logging
import threading
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.autolog.installation import OFF, Installation
from chiplog.core.autolog.nesting import suspended
from chiplog.core.autolog.silence import hushed
from chiplog.core.errors import NotFound
from chiplog.hooks.guard import is_strict, report
from chiplog.hooks.manager import plugins
from chiplog.hooks.patcher import Patcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chiplog.core.autolog.integration import Integration

__all__ = [
    "autolog",
    "flavor_autolog",
    "installation",
    "installations",
    "integrations",
    "suspended",
]

_log = logging.getLogger("chiplog.autolog")

_lock = threading.RLock()
_integrations: dict[str, Integration] | None = None
_installations: dict[str, Installation] = {}
_threads: Patcher | None = None


def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, str] | None = None,
    exclude_flavors: Iterable[str] | None = None,
    max_overhead: float | None = None,
) -> None:
    """Record every training of the frameworks chiplog knows, from now on.

    Works before or after a framework is imported, and imports none. Calling again applies the new
    settings; ``disable=True`` takes everything out again. A framework that was set up by its own
    ``chiplog.<flavor>.autolog()`` keeps those settings.

    Args:
        log_input_examples: store a few rows of the training data with models.
        log_model_signatures: store what models take and give.
        log_models: store trained models.
        log_datasets: record what data was trained on.
        log_traces: accepted for MLflow's sake; there is nothing to trace.
        disable: take autologging out again.
        exclusive: record nothing into runs you start yourself.
        disable_for_unsupported_versions: record nothing of versions chiplog does not know.
        silent: say nothing while setting up and training.
        extra_tags: tags for the runs that autologging creates.
        exclude_flavors: frameworks to leave out, such as ``["sklearn"]``.
        max_overhead: the part of the training time that recording may take, such as 0.01: beyond
            it, steps are left out, and counted. None keeps every step.
    """
    common = AutologConfig(extra_tags=extra_tags, silent=silent, max_overhead=max_overhead)
    arguments: dict[str, Any] = {
        "log_input_examples": log_input_examples,
        "log_model_signatures": log_model_signatures,
        "log_models": log_models,
        "log_datasets": log_datasets,
        "log_traces": log_traces,
        "disable": disable,
        "exclusive": exclusive,
        "disable_for_unsupported_versions": disable_for_unsupported_versions,
        "silent": silent,
        "extra_tags": common.extra_tags,
        "max_overhead": common.max_overhead,
    }
    names = [exclude_flavors] if isinstance(exclude_flavors, str) else exclude_flavors
    excluded = set(names or ())
    with hushed(silent=silent), _lock:
        for name, integration in integrations().items():
            known = _installations.get(name)
            if integration.accompanies or (known is not None and known.explicit):
                continue
            if name in excluded or integration.configured_by in excluded:
                revert(name)
                continue
            _configure_from(integration, arguments, configured_by="")


def _configure_from(
    integration: Integration, arguments: Mapping[str, Any], *, configured_by: str
) -> None:
    """Switch an integration on with those of ``arguments`` that it knows; never raises."""
    try:
        config = integration.options(**integration.options.accepted(arguments))
        _configure(integration, config, configured_by=configured_by)
    except Exception as error:
        if is_strict():
            raise
        report(f"Setting up autologging of {integration.name}", error)


def _configure_followers(name: str, arguments: Mapping[str, Any]) -> None:
    """Hand settings on to the integrations that ``name`` configures, if they have no own."""
    for follower in integrations().values():
        known = _installations.get(follower.name)
        its_own = known is not None and known.configured_by == follower.name
        if follower.configured_by == name and follower.name != name and not its_own:
            _configure_from(follower, arguments, configured_by=name)


def flavor_autolog(name: str) -> Callable[..., None]:
    """The function ``chiplog.<name>.autolog``, with the parameters of its integration."""
    integration = integrations().get(name)
    if integration is None:
        known = ", ".join(sorted(integrations())) or "none"
        raise NotFound(f"There is no autologging of {name!r}; known are: {known}.")
    signature = _signature(integration.options)

    def autolog(*args: Any, **kwargs: Any) -> None:
        try:
            options = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            takes = ", ".join(signature.parameters)
            raise TypeError(f"{name}.autolog() {error}; it takes {takes}.") from None
        config = integration.options(**options)
        with hushed(silent=config.silent), _lock:
            _configure(integration, config, configured_by=name)
            _configure_followers(name, options)

    autolog.__signature__ = signature  # type: ignore[attr-defined]
    autolog.integration_name = name  # type: ignore[attr-defined]
    autolog.__qualname__ = "autolog"
    autolog.__doc__ = (
        f"Record every training of {integration.distribution}, from now on.\n\n"
        "Calling again applies the new settings; ``disable=True`` takes everything out again.\n"
        f"{inspect.getdoc(integration.options) or ''}"
    )
    return autolog


def integrations() -> dict[str, Integration]:
    """Every integration that plugins provide, by name. Imports no framework."""
    global _integrations  # noqa: PLW0603 - one per process
    if _integrations is None:
        with _lock:
            found: dict[str, Integration] = {}
            for provided in plugins().hook.chiplog_instrumentors():
                for integration in provided:
                    if integration.name in found:
                        _log.warning(
                            "Two plugins record %r; the first one is used.", integration.name
                        )
                    found.setdefault(integration.name, integration)
            _integrations = found
    return _integrations


def installations() -> dict[str, Installation]:
    """The integrations that have been configured in this process, by name."""
    return dict(_installations)


def installation(name: str) -> Installation | None:
    """The integration of that name as it stands in this process, if it was configured."""
    return _installations.get(name)


def installation_for(name: str, config: AutologConfig | None = None) -> Installation:
    """The integration as it is switched on, else one that is not, with its default settings."""
    known = _installations.get(name)
    if known is not None and known.state != OFF and config is None:
        return known
    integration = integrations()[name]
    return Installation(integration, config or integration.options()).look_up()


def configure(name: str, config: AutologConfig, *, configured_by: str = "") -> None:
    """Switch an integration on with settings that were made before, as worker processes do."""
    with _lock:
        _configure(integrations()[name], config, configured_by=configured_by)


def reset() -> None:
    """Take everything out and forget every setting and every plugin, as tests do."""
    global _integrations  # noqa: PLW0603 - one per process
    with _lock:
        for known in _installations.values():
            known.switch_off()
        _installations.clear()
        _accompany()
        _integrations = None


def _configure(integration: Integration, config: AutologConfig, *, configured_by: str) -> None:
    known = _installations.pop(integration.name, None)
    if known is not None:
        known.switch_off()
    fresh = Installation(integration, config, configured_by=configured_by)
    if known is not None:
        fresh.trained = known.trained
    _installations[integration.name] = fresh
    if not config.disable:
        fresh.switch_on()
    _accompany()


def revert(name: str) -> None:
    """Take one integration out and forget its settings."""
    known = _installations.pop(name, None)
    if known is not None:
        known.switch_off()
        _accompany()


def _accompany() -> None:
    """While any integration is on, follow threads, processes and the integrations that go along."""
    from chiplog.core.autolog.children import follow_processes  # which asks this module

    global _threads  # noqa: PLW0603 - one per process
    wanted = any(
        known.state != OFF and not known.integration.accompanies
        for known in _installations.values()
    )
    for name, integration in integrations().items() if wanted else ():
        if integration.accompanies and name not in _installations:
            companion = Installation(integration, integration.options())
            _installations[name] = companion
            companion.switch_on()
    if not wanted:
        for name in [n for n, known in _installations.items() if known.integration.accompanies]:
            _installations.pop(name).switch_off()
    if wanted and _threads is None:
        _threads = Patcher("threads and processes")
        nesting.follow_threads(_threads)
        follow_processes(_threads)
    elif not wanted and _threads is not None:
        _threads.undo()
        _threads = None


def _signature(options: type[AutologConfig]) -> inspect.Signature:
    """The integration's own parameters first, then those that all have."""
    common = {field.name for field in fields(AutologConfig)}
    ordered = sorted(fields(options), key=lambda field: field.name in common)
    return inspect.Signature(
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=_default(field),
                annotation=field.type,
            )
            for field in ordered
        ]
    )


def _default(field: Any) -> Any:
    return field.default_factory() if field.default is MISSING else field.default
