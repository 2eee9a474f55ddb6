"""Plugins that break the safety contract, each in one way."""

from __future__ import annotations

import json
import pickle
import random

import sinful  # a sin in itself: a manifest imports no framework

from chiplog.plugins import Integration, Point, Saved, Watch, hookimpl

KEPT = []


class LogsParams(Watch):
    def before(self, call):
        self.session.log_params({"a": 1})


class Draws(LogsParams):
    def after(self, call, result):
        call.instance.sum_ += random.random()


class CallsTwice(LogsParams):
    def before(self, call):
        super().before(call)
        call.function(*call.args)


class KeepsTheModel(LogsParams):
    def after(self, call, result):
        KEPT.append(call.instance)


class KeepsTheError(LogsParams):
    def failed(self, call, error):
        KEPT.append(error)


class Copies(LogsParams):
    def before(self, call):
        super().before(call)
        call.args = (sinful.Data(call.args[0]),)


class Consumes(LogsParams):
    def before(self, call):
        super().before(call)
        for _ in call.args[0]:
            pass


class IsLate(Watch):
    def after(self, call, result):
        self.session.log_params({"a": 1})


class LeavesItself(LogsParams):
    def after(self, call, result):
        call.instance.watch_ = Mark()


class Mark:
    """What is left in the user's model."""


def integration_of(watch):
    class Sinful(Integration):
        name = watch.__name__.lower()
        distribution = "sinful"
        modules = ("sinful",)

        def points(self):
            yield Point(sinful.Model, "fit", watch)

    Sinful.__module__ = __name__
    return Sinful()


class PatchesByHand(Integration):
    name = "patchesbyhand"
    distribution = "sinful"
    modules = ("sinful",)

    def points(self):
        yield Point(sinful.Model, "fit", LogsParams)

    def install(self, installation):
        sinful.Model.score = lambda self, data: 2.0


class WatchesNothing(Integration):
    name = "watchesnothing"
    distribution = "sinful"
    modules = ("sinful",)


class Honest:
    """A flavor as it should be, but for what its subclasses do."""

    name = "honest"
    module = "chiplog_sinful"

    def can_save(self, model):
        return isinstance(model, sinful.Model)

    def save(self, model, path, options):
        (path / "m").write_text(json.dumps(model.sum_))
        return Saved({"version": "1", "data": "m"}, modules=frozenset({"sinful"}))

    def load(self, path, settings, trust):
        model = sinful.Model()
        model.sum_ = json.loads((path / settings["data"]).read_text())
        return model

    def predict(self, model, data, options):
        return model.predict(data)


class Unpickles(Honest):
    name = "unpickles"

    def load(self, path, settings, trust):
        return pickle.loads((path / settings["data"]).read_bytes())

    def save(self, model, path, options):
        (path / "m").write_bytes(pickle.dumps(model))
        return Saved({"version": "1", "data": "m"}, modules=frozenset({"sinful"}))


class Rounds(Honest):
    name = "rounds"

    def save(self, model, path, options):
        (path / "m").write_text(f"{model.sum_:.1f}")
        return Saved({"data": "m"})


class TakesAll(Honest):
    name = "takesall"

    def can_save(self, model):
        return True


SINNERS = [Draws, CallsTwice, KeepsTheModel, KeepsTheError, Copies, Consumes, IsLate, LeavesItself]


@hookimpl
def chiplog_instrumentors():
    return [*map(integration_of, SINNERS), PatchesByHand(), WatchesNothing()]


@hookimpl
def chiplog_flavors():
    return [Honest(), Unpickles(), Rounds(), TakesAll()]
