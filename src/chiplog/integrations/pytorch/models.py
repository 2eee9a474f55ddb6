"""The modules whose parameters an optimizer trains: found, described, their state at the end."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}


def parameters_of(optimizer: Any) -> list[Any]:
    """Every tensor that an optimizer trains."""
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]


class Modules:
    """The modules that were put together since it was hooked in. Keeps none of them alive."""

    def __init__(self) -> None:
        self._owners: dict[int, weakref.ref[Any]] = {}
        self._parents: dict[int, list[weakref.ref[Any]]] = {}

    def owns(self, module: Any, name: str, parameter: Any) -> None:  # noqa: ARG002 - torch's hook
        """Torch's hook: a module gets a parameter."""
        number = id(module)
        if number not in self._owners:
            owners, parents = self._owners, self._parents

            def gone(_: object) -> None:
                owners.pop(number, None)
                parents.pop(number, None)

            owners[number] = weakref.ref(module, gone)

    def holds(self, module: Any, name: str, part: Any) -> None:  # noqa: ARG002 - torch's hook
        """Torch's hook: a module gets a part."""
        if part is not None:
            parents = self._parents.setdefault(id(part), [])
            parents[:] = [one for one in parents if one() is not None]
            parents.append(weakref.ref(module))

    def find(self, parameters: list[Any]) -> list[Any]:
        """The outermost modules that hold these parameters, the fullest first."""
        wanted = {id(parameter) for parameter in parameters}
        found: set[int] = set()
        roots: dict[int, list[Any]] = {}
        for reference in list(self._owners.values()):
            module = reference()
            if module is None:
                continue
            its_own = {id(one) for one in module._parameters.values()} & wanted  # noqa: SLF001 - parameters() could be anybody's own
            if its_own:
                found |= its_own
                root = unwrapped(self._outermost(module))
                roots.setdefault(id(root), [root, 0])[1] += len(its_own)
        if found != wanted:
            return find_models(parameters)
        return [root for root, _ in sorted(roots.values(), key=lambda one: -one[1])]

    def _outermost(self, module: Any) -> Any:
        for _ in range(64):
            holders = (one() for one in self._parents.get(id(module), ()))
            outer = next((one for one in holders if one is not None and _has(one, module)), None)
            if outer is None:
                return module
            module = outer
        return module


def _has(outer: Any, module: Any) -> bool:
    return any(part is module for part in outer._modules.values())  # noqa: SLF001 - children() leaves out what comes twice


def find_models(parameters: Iterable[Any]) -> list[Any]:
    """The outermost modules that hold any of these parameters, the fullest first.

    Looks through the objects that Python's garbage collector knows, which finds unpickled and
    copied modules as well and takes 20 to 200 ms.
    """
    torch: Any = sys.modules["torch"]
    base = torch.nn.Module
    wanted = {id(parameter) for parameter in parameters}
    holding: dict[int, tuple[Any, int]] = {}
    for thing in gc.get_objects():
        if issubclass(type(thing), base):
            with contextlib.suppress(Exception):  # half made, or not like a module at all
                count = sum(id(one) in wanted for one in _own_parameters(thing))
                if count:
                    holding[id(thing)] = thing, count
    inner = {id(child) for module, _ in holding.values() for child in _descendants(module)}
    roots = [(unwrapped(m), count) for key, (m, count) in holding.items() if key not in inner]
    roots.sort(key=lambda root: -root[1])
    found: list[Any] = []
    for module, _ in roots:
        if not any(module is known for known in found):
            found.append(module)
    return found


def _own_parameters(module: Any) -> Iterator[Any]:
    for part in module.modules():
        yield from part._parameters.values()  # noqa: SLF001 - parameters() could be anybody's own


def _descendants(module: Any) -> Iterator[Any]:
    for part in module.modules():
        if part is not module:
            yield part


def unwrapped(module: Any) -> Any:
    """The user's module inside what DDP, DataParallel or ``torch.compile`` put around it."""
    for _ in range(8):
        name = _WRAPPERS.get(type(module).__name__)
        inner = getattr(module, name, None) if name else None
        if inner is None or not type(module).__module__.startswith("torch."):
            return module
        module = inner
    return module


def class_path(module: Any) -> str:
    """A module's class by its full name."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def count_parameters(module: Any) -> tuple[int, int]:
    """How many numbers a module's parameters are in all, and how many of them are trained."""
    total = trainable = 0
    for parameter in module.parameters():
        if _is_lazy(parameter):
            continue
        total += parameter.numel()
        trainable += parameter.numel() if parameter.requires_grad else 0
    return total, trainable


def _is_lazy(parameter: Any) -> bool:
    return type(parameter).__name__.startswith("Uninitialized")


class TrainedModel:
    """A module in training, of which only its state is held on to, not the module.

    What is held are the very dictionaries that its parts keep parameters and buffers in, so the
    state is the current one at any time, and still there in the moment when the module is gone.

    Attributes:
        number: its id.
        name: its class's name.
        class_path: its class.
        roots: the modules that its parts' classes come from.
    """

    def __init__(self, module: Any) -> None:
        self._module = weakref.ref(module)
        self.number = id(module)
        self.name = type(module).__name__
        self.class_path = class_path(module)
        self.roots = frozenset(type(part).__module__ for part in module.modules())
        self._parts: list[tuple[str, dict[str, Any], dict[str, Any], set[str]]] | None = [
            (f"{name}." if name else "", part._parameters, part._buffers, _passing(part))  # noqa: SLF001 - as torch's own state_dict()
            for name, part in module.named_modules(remove_duplicate=False)
        ]
        if _keeps_alive(module) or self._held().keys() != module.state_dict(keep_vars=True).keys():
            self._parts = None

    @property
    def module(self) -> Any | None:
        """The module, as long as somebody else keeps it."""
        return self._module()

    def state(self) -> dict[str, Any] | None:
        """Its state as it is now, by the names that ``state_dict`` gives; None if it is gone."""
        module = self.module
        if module is not None:
            return dict(module.state_dict())
        if self._parts is None:
            return None
        return {name: tensor.detach() for name, tensor in self._held().items()}

    def let_go(self) -> None:
        """Hold on to nothing any more."""
        self._parts = None

    def _held(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for prefix, parameters, buffers, passing in self._parts or ():
            for name, tensor in parameters.items():
                if tensor is not None:
                    found[prefix + name] = tensor
            for name, tensor in buffers.items():
                if tensor is not None and name not in passing:
                    found[prefix + name] = tensor
        return found


def _passing(part: Any) -> set[str]:
    """The buffers of a module that its state is without."""
    return part._non_persistent_buffers_set  # type: ignore[no-any-return]  # noqa: SLF001 - as above


def _keeps_alive(module: Any) -> bool:
    """Whether its parameters may keep the module itself alive: what is hooked on them might."""
    for parameter in _own_parameters(module):
        if parameter is None:
            continue
        if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):  # noqa: SLF001 - there is no other way to ask
            return True
        noted = getattr(parameter, "__dict__", {}).values()  # such as torch.compile's mark
        if not all(isinstance(value, (str, int, float)) for value in noted):
            return True
    return False
