"""Recording in worker processes that a program lends work to: they join its run.

A :class:`Task` carries a :class:`Passport` to the worker: the settings of autologging, the run the
program is in, and the environment that says where runs are kept. A worker records while it does a
task and at no other time, since a pool's processes are also lent to trainings that are recorded
already. What a task recorded is delivered before its result goes back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chiplog.core import background
from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.installation import OFF
from chiplog.core.journal import flush_all
from chiplog.core.runs import active
from chiplog.core.runs.inherit import VARIABLE as INHERITED
from chiplog.core.runs.inherit import InheritedRun
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chiplog.core.autolog.config import AutologConfig

_PREFIXES: Final = ("CHIPLOG_", "MLFLOW_")
_SECONDS_TO_DELIVER: Final = 10.0
_BRIEF_SECONDS: Final = 0.2

_patience = _SECONDS_TO_DELIVER


@dataclass(frozen=True)
class Passport:
    """What a worker needs to record as the program would.

    Attributes:
        pid: the program's process; a task that runs there needs no passport.
        environment: chiplog's variables, the run to join among them.
        configs: the settings of each integration that is on, and whose ``autolog()`` made them.
    """

    pid: int
    environment: Mapping[str, str]
    configs: Mapping[str, tuple[AutologConfig, str]]


def issue_passport() -> Passport | None:
    """A passport for the tasks this thread hands out now; None if no integration is on."""
    configs = {
        name: (known.config, known.configured_by)
        for name, known in engine.installations().items()
        if known.state != OFF and not known.integration.accompanies
    }
    if not configs:
        return None
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_PREFIXES) and name != nesting.VARIABLE
    }
    environment["CHIPLOG_TRACKING_URI"] = active.store_uri()
    current = active.current()
    if current is None:
        environment.pop(INHERITED, None)
    else:
        run = InheritedRun.of(current.run.info, current.writer.store_uri)
        environment[INHERITED] = msgspec.json.encode(run).decode()
    return Passport(os.getpid(), environment, configs)


class Task:
    """A function that records what it trains, in whatever process it is called.

    What it gives or raises is what the function does.
    """

    def __init__(self, function: Callable[..., Any], passport: Passport) -> None:
        self.function = function
        self.passport = passport

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and record what it trains if this is a worker process."""
        if os.getpid() == self.passport.pid:
            return self.function(*args, **kwargs)
        quietly("Joining the run from a worker process", _join, None, self.passport)
        try:
            with nesting.awake():
                return self.function(*args, **kwargs)
        finally:
            quietly("Delivering what a worker process recorded", _deliver, None)


_joined: Passport | None = None


def _join(passport: Passport) -> None:
    nesting.sleep_by_default()
    arrive(passport)


def arrive(passport: Passport) -> None:
    """Set this process up as the one that issued ``passport`` was."""
    global _joined  # noqa: PLW0603 - one per process
    if _joined == passport:
        return
    for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
        if name not in passport.environment:
            del os.environ[name]
    os.environ.update(passport.environment)
    active.local.fast = None  # whoever records next looks where; most tasks never do
    installed = engine.installations()
    for name, (config, configured_by) in passport.configs.items():
        known = installed.get(name)
        if known is None or known.config != config:
            engine.configure(name, config, configured_by=configured_by)
    for name, known in installed.items():
        if name not in passport.configs and not known.integration.accompanies:
            engine.revert(name)
    _joined = passport


def _deliver() -> None:
    """Deliver what there is; after one wait in vain hardly wait again, since nothing is lost."""
    global _patience  # noqa: PLW0603 - one per process
    delivered = background.flush(_patience) and flush_all(_patience)
    _patience = _SECONDS_TO_DELIVER if delivered else _BRIEF_SECONDS
