"""Trainers of the made-up framework."""

# The global generators are what is tested.
# ruff: noqa: NPY002

from __future__ import annotations

import random
import threading

import numpy as np


class Base:
    """What trainers have in common."""

    def __init__(self, rate=0.1, seed=None):
        self.rate = rate
        self.seed = seed

    def get_params(self):
        """The parameters."""
        return {"rate": self.rate, "seed": self.seed}

    def fit_predict(self, data):
        """Inherited by every trainer."""
        return self.fit(data).predict(data)


class Trainer(Base):
    """Learns a number."""

    def fit(self, data, weight=None):
        """Learn from ``data``."""
        if data is None:
            raise ValueError("no data")
        noise = random.random() + np.random.rand()  # the global generators, as real ones use
        self.learnt_ = self.rate * float(np.sum(data)) + noise
        self.calls_ = getattr(self, "calls_", 0) + 1
        return self

    def predict(self, data):
        """What was learnt, as often as there is data."""
        return np.full(len(data), self.learnt_)

    @classmethod
    def trained(cls, data):
        """Make a trainer and fit it."""
        return cls().fit(data)

    @staticmethod
    def check(data):
        """Whether data is data."""
        return data is not None

    @property
    def quality(self):
        """How good it is."""
        return self.learnt_

    def explode(self):
        """Never works."""
        raise LookupError("of the framework's own")


class Stepper(Base):
    """Learns in steps."""

    def partial_fit(self, data):
        """Learn a little more."""
        self.total_ = getattr(self, "total_", 0.0) + float(np.sum(data))
        return self


class Search(Base):
    """Fits many trainers, one after another or in threads."""

    def __init__(self, rates=(0.1, 0.2), threads=False):
        super().__init__()
        self.rates = rates
        self.threads = threads

    def fit(self, data):
        """Fit a trainer for each rate."""
        trainers = [Trainer(rate) for rate in self.rates]
        if self.threads:
            workers = [threading.Thread(target=one.fit, args=(data,)) for one in trainers]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        else:
            for one in trainers:
                one.fit(data)
        self.best_ = max(trainers, key=lambda one: one.learnt_)
        return self


class available_if:  # noqa: N801
    """A descriptor that hides a method while a condition does not hold, as scikit-learn's does."""

    def __init__(self, check):
        self.check = check

    def __call__(self, function):
        self.function = function
        self.__doc__ = function.__doc__
        return self

    def __get__(self, instance, owner=None):
        if instance is None:
            return self.function
        if not self.check(instance):
            raise AttributeError(f"not available: {self.function.__name__}")
        return self.function.__get__(instance, owner)


class Guarded(Base):
    """Has a method that is there only when it is ready."""

    def __init__(self, ready=False):
        super().__init__()
        self.ready = ready

    @available_if(lambda self: self.ready)
    def predict(self, data):
        """Predict, when ready."""
        return list(data)
