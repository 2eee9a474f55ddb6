"""The kits, on the plugins that break the contract."""

from __future__ import annotations

import chiplog_sinful

from chiplog.testing import FlavorKit, IntegrationKit, PluginKit


class Sinner(IntegrationKit):
    __test__ = False

    def make_data(self):
        import sinful

        return sinful.Data([0.1, 0.2, 0.4])

    def train_on(self, data):
        import sinful

        return sinful.Model().fit(data)

    def make_batches(self):
        return [0.1] * 9

    def train_from(self, batches):
        import sinful

        return sinful.Model().fit(batches)


NAMES = [one.name for one in chiplog_sinful.chiplog_instrumentors()]
for name in NAMES:
    globals()[f"Test_{name}"] = type(
        f"Test_{name}", (Sinner,), {"integration": name, "__test__": True, "__module__": __name__}
    )


class Flavored(FlavorKit):
    __test__ = False
    framework = "sinful"

    def make_model(self):
        import sinful

        return sinful.Model().fit([0.1, 0.2, 0.4])

    def make_input(self):
        return [1.0, 2.0]


for name in ("honest", "unpickles", "rounds", "takesall"):
    globals()[f"Test_{name}"] = type(
        f"Test_{name}", (Flavored,), {"flavor": name, "__test__": True, "__module__": __name__}
    )


class Test_plugin(PluginKit):  # noqa: N801
    plugin = "sinful"
