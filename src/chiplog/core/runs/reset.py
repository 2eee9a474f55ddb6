"""Back to the beginning, within a process: what tests need between each other."""

from __future__ import annotations

import os

from chiplog.core import experiments
from chiplog.core.journal import close_all
from chiplog.core.location import set_tracking_uri
from chiplog.core.runs import active, inherit, jobs, lifecycle, reading
from chiplog.core.stores import close_stores

_VARIABLES = ("EXPERIMENT_ID", "EXPERIMENT_NAME", "RUN_ID", "ACTIVE_MODEL_ID")


def reset_process(deadline: float = 10.0) -> None:
    """End every open run, deliver and close everything, and forget what was set or active.

    Runs and the active model of other threads are forgotten with those threads.
    """
    try:
        lifecycle.finish(list(reversed(active.owned_runs)), "FINISHED", wait=False)
    finally:
        active.clear_thread()
        active.forget_inherited()
        close_all(deadline)
        close_stores()
        reading.forget_behind()
        experiments.reset_active()
        jobs.forget()
        set_tracking_uri(None)
        os.environ.pop(inherit.VARIABLE, None)
        for name in _VARIABLES:
            os.environ.pop(f"CHIPLOG_{name}", None)
            os.environ.pop(f"MLFLOW_{name}", None)
