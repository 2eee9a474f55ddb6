"""What a loop's models take and give is seen at one of their calls, which changes nothing."""

from __future__ import annotations

import contextlib
import pickle
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

torch: Any = pytest.importorskip("torch")

import chiplog  # noqa: E402 - after the framework was found
from chiplog.core.models.schema import TensorSpec  # noqa: E402
from chiplog.models import get_model_info  # noqa: E402

if TYPE_CHECKING:
    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework


@pytest.fixture(autouse=True)
def nothing_is_compiled() -> None:
    """What other tests have compiled is forgotten: where torch.compile is at work, none looks."""
    compiler = sys.modules.get("torch._dynamo.utils")
    if compiler is not None:
        compiler.counters.clear()


class Weighted(torch.nn.Module):  # type: ignore[misc]  # torch is Any here
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def forward(self, features: Any, weights: Any = None) -> Any:
        given = self.layer(features)
        return {"logits": given if weights is None else given * weights, "sum": given.sum(-1)}


def train(model: Any, steps: int = 3, call: Any = None, *args: Any, **kwargs: Any) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        given = (call or model)(*args, **kwargs)
        loss = given["logits"].mean() if isinstance(given, dict) else given.mean()
        loss.backward()
        optimizer.step()


def signature_of(project: Project) -> Any:
    (run,) = project.runs()
    return get_model_info(f"runs:/{run.info.run_id}/model").signature


def reasons(project: Project) -> str:
    (run,) = project.runs()
    return str(project.receipt(run.info.run_id).skipped)


def test_one_tensor_has_no_name(project: Project) -> None:
    chiplog.autolog()
    model = torch.nn.Linear(4, 2)
    train(model, 3, None, torch.ones(3, 4))
    del model
    chiplog.autolog(disable=True)
    found = signature_of(project)
    assert list(found.inputs) == [TensorSpec("float32", (-1, 4))]
    assert list(found.outputs) == [TensorSpec("float32", (-1, 2))]


def test_several_are_named_as_the_module_names_them(project: Project) -> None:
    chiplog.autolog()
    train(Weighted(), 3, None, torch.ones(3, 4), weights=torch.ones(3, 1))
    chiplog.autolog(disable=True)
    found = signature_of(project)
    assert [(spec.name, spec.shape) for spec in found.inputs] == [
        ("features", (-1, 4)),
        ("weights", (-1, 1)),
    ]
    assert [spec.name for spec in found.outputs] == ["logits", "sum"]


def test_a_module_that_takes_no_tensors_has_none_and_the_receipt_says_why(project: Project) -> None:
    class Listed(torch.nn.Linear):  # type: ignore[misc]  # torch is Any here
        def forward(self, rows: list[Any]) -> Any:
            return super().forward(torch.stack(rows))

    chiplog.autolog()
    train(Listed(4, 2), 3, None, [torch.ones(4)])
    chiplog.autolog(disable=True)
    assert signature_of(project) is None
    assert "it takes a list, which is no tensor" in reasons(project)


def test_nothing_is_left_on_the_module_or_in_torch(project: Project) -> None:
    from torch.nn.modules import module as torchs

    def hooked() -> bool:
        return bool(torchs._has_any_global_hook())

    chiplog.autolog()
    model = torch.nn.Linear(4, 2)
    before = pickle.dumps(model)
    train(model, 1, None, torch.ones(3, 4))
    assert hooked(), "its next call is looked at"
    assert len(pickle.dumps(model)) == len(before)
    model(torch.ones(3, 4))
    assert not hooked()
    chiplog.autolog(disable=True)


def test_a_module_is_traced_and_transformed_as_without_chiplog(project: Project) -> None:
    from torch.func import functional_call, vmap

    chiplog.autolog()
    model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU())
    train(model, 1, None, torch.ones(3, 4))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        torch.jit.trace(model, torch.ones(3, 4))  # which compares two traces
    weights = {name: tensor.detach() for name, tensor in model.named_parameters()}
    vmap(lambda row: functional_call(model, weights, (row,)))(torch.ones(3, 4))
    model(torch.ones(3, 4))
    chiplog.autolog(disable=True)
    assert list(signature_of(project).inputs) == [TensorSpec("float32", (-1, 4))]


def test_what_numpy_has_no_type_for_gives_none_and_the_receipt_says_why(project: Project) -> None:
    class Widening(torch.nn.Linear):  # type: ignore[misc]  # torch is Any here
        def forward(self, features: Any) -> Any:
            return super().forward(features.float())

    with contextlib.suppress(ImportError):
        import ml_dtypes  # noqa: F401 - it gives numpy a type of that name, which is none of its own
    chiplog.autolog()
    train(Widening(4, 2), 3, None, torch.ones(3, 4).to(torch.float8_e4m3fn))
    chiplog.autolog(disable=True)
    assert signature_of(project) is None
    assert "float8_e4m3fn" in reasons(project)


def test_a_module_compiled_after_its_first_step_is_not_disturbed(project: Project) -> None:
    chiplog.autolog()
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(3):
            call = torch.compile(model, backend="eager") if step else model
            optimizer.zero_grad()
            call(torch.ones(3, 4)).mean().backward()
            optimizer.step()
    chiplog.autolog(disable=True)
    assert signature_of(project) is None
    assert "no call of it was seen" in reasons(project)
