"""What every tracking store must do. Subclass the kit, say how to open a store, and run pytest.

class TestMyStore(StoreKit):
    def open_store(self, tmp_path: Path) -> TrackingStore:
        return MyStore(...)
"""

from chiplog.testing.store_kit.delivery import DeliveryBehaviour
from chiplog.testing.store_kit.experiments import ExperimentBehaviour
from chiplog.testing.store_kit.metrics import MetricBehaviour
from chiplog.testing.store_kit.models import ModelBehaviour
from chiplog.testing.store_kit.pen import Pen, columns
from chiplog.testing.store_kit.runs import RunBehaviour
from chiplog.testing.store_kit.searching import SearchBehaviour
from chiplog.testing.store_kit.upkeep import UpkeepBehaviour

__all__ = ["Pen", "StoreKit", "columns"]


class StoreKit(
    ExperimentBehaviour,
    RunBehaviour,
    MetricBehaviour,
    SearchBehaviour,
    ModelBehaviour,
    DeliveryBehaviour,
    UpkeepBehaviour,
):
    """Tests that hold a store to the contract of :class:`chiplog.core.stores.TrackingStore`."""
