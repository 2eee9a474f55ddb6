"""The safety contract of integrations, as tests to inherit.

    class TestMine(IntegrationKit):
        integration = "mine"

        def make_data(self) -> object:
            return [[0.0], [1.0]], [0, 1]

        def train_on(self, data) -> object:
            return mine.Model(seed=1).fit(*data)

Everything else is inherited. Needs pytest.
"""

from chiplog.testing.integration_kit.containment import ContainmentTests
from chiplog.testing.integration_kit.contract import ContractTests
from chiplog.testing.integration_kit.outcomes import OutcomeTests
from chiplog.testing.integration_kit.patches import PatchTests
from chiplog.testing.integration_kit.processes import ProcessTests
from chiplog.testing.integration_kit.recording import RecordingTests


class IntegrationKit(
    RecordingTests, ContractTests, ContainmentTests, OutcomeTests, PatchTests, ProcessTests
):
    """The tests every integration passes. Subclass it as ``Test…`` and fill in a training."""


__all__ = ["IntegrationKit"]
