"""What is looked at of LightGBM's data, without having it constructed before LightGBM does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.core.autolog.boosting import sample_of
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.data import describe_dataset
from chiplog.core.data.dataset import Dataset
from chiplog.core.data.describe import Description
from chiplog.core.data.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.entities import Dataset as Entity
    from chiplog.hooks.wrapping import Wrapper

_samples: WeakIdMap[Any] = WeakIdMap()


def keep_samples(installation: Installation) -> Wrapper:
    """Around ``Dataset.__init__``: keeps a copy of the first rows it is made from.

    As long as the Dataset lives; LightGBM lets go of the data itself once it is constructed.
    """

    def keep(dataset: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sample = sample_of(args[0] if args else kwargs.get("data"))
        if sample is not None:
            _samples.set(dataset, sample)

    def around(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        if nesting.is_watching():
            installation.guarded("Looking at a Dataset", keep, instance, args, kwargs)
        return result

    return around


def sample_of_dataset(dataset: Any) -> Any:
    """The first rows of what a Dataset was made from, if they were kept or are still there."""
    sample: Any = _samples.get(dataset)
    if sample is None and (sample := sample_of(getattr(dataset, "data", None))) is not None:
        _samples.set(dataset, sample)
    return sample


def forget_samples() -> None:
    """Let go of all that is kept."""
    _samples.clear()


def describe(dataset: Any, name: str | None = None) -> Entity | None:
    """What is recorded of a Dataset: of its data if that is still there, else of its size.

    None if it can tell neither yet: it is read from a file, say, and not constructed.
    """
    found = None
    if getattr(dataset, "data", None) is not None:
        label = getattr(dataset, "label", None)
        found = describe_dataset(dataset.data, label, name=name)
    if found is not None or getattr(dataset, "_handle", None) is None:
        return found
    rows, columns = int(dataset.num_data()), int(dataset.num_feature())
    names = list(dataset.get_feature_name())
    digest = Digest()
    digest.words("dataset", rows, columns, *names)
    label = dataset.get_label()
    if hasattr(label, "dtype"):
        digest.array(label)
    sample: Any = _samples.get(dataset)
    if hasattr(sample, "to_numpy"):
        sample = sample.to_numpy()
    if hasattr(sample, "dtype"):
        digest.array(sample)
    schema = {
        "mlflow_colspec": [{"type": "double", "name": name, "required": False} for name in names]
    }
    profile = {"num_rows": rows, "num_elements": rows * columns}
    return Dataset(None, Description(digest.hexdigest(), schema, profile), name).to_entity()
