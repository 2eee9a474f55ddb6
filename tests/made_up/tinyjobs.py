"""What the tests hand to worker processes."""

from __future__ import annotations

import os


def train_one(rate):
    """Train in whatever process this is, and say which."""
    import tinyframe

    trainer = tinyframe.Trainer(rate=rate, seed=0).fit([1.0, 2.0])
    return rate, trainer.calls_, os.getpid()


def train_quietly(rate):
    """Give what does not depend on chance or process."""
    return train_one(rate)[:2]


def fail(rate):
    """Fail as the user's own code does."""
    raise LookupError(f"no rate {rate}")


def log_a_metric(value):
    """Log something by hand."""
    import chiplog

    chiplog.log_metric(f"by_hand_{value}", value)
    return os.getpid()


def train_with_a_step(rate):
    """Log from inside, where the parent's run is the active one."""
    import chiplog

    train_one(rate)
    run = chiplog.active_run()
    return run.info.run_id if run else None


def train_after_autolog(rate):
    """Switch autologging on as a worker's own code may, and train."""
    import chiplog

    chiplog.autolog()
    return train_one(rate)
