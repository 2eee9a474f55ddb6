"""What every flavor must do, as tests to inherit.

    class TestMine(FlavorKit):
        flavor = "mine"
        framework = "mine"

        def make_model(self) -> object:
            return mine.Model().fit(X, y)

        def make_input(self) -> object:
            return X

Everything else is inherited. Needs pytest.
"""

from chiplog.testing.flavor_kit.files import FileTests
from chiplog.testing.flavor_kit.roundtrip import RoundTripTests
from chiplog.testing.flavor_kit.safety import SafetyTests


class FlavorKit(RoundTripTests, FileTests, SafetyTests):
    """The tests every flavor passes. Subclass it as ``Test…`` and fill in a model."""


__all__ = ["FlavorKit"]
