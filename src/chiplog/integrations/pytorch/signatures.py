"""What the modules of a user's loop take and give, seen at one call of each."""

from __future__ import annotations

import inspect
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.models.schema import Schema, TensorSpec
from chiplog.core.models.signature import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Iterable

_WITH_KWARGS: Final = "_global_forward_hooks_with_kwargs"
_MOST_CALLS: Final = 2000
"""Of any modules at all: one that has not been called by then never is."""


class SeenCall:
    """Looks at the next call of each of some modules, and then no more.

    It goes through torch's own list of hooks: one of the module's would be copied and pickled with
    it. What is called is looked at, never touched or kept.

    Attributes:
        signature: by the module's id.
        reason: why a module has none.
    """

    def __init__(self) -> None:
        self.signature: dict[int, ModelSignature] = {}
        self.reason: dict[int, str] = {}
        self._wanted: dict[int, weakref.ref[Any]] = {}
        self._calls = 0
        self._handle: Any = None

    def await_call(self, module: Any) -> None:
        """Look at the next call of a module."""
        if _compiles():
            self.reason[id(module)] = "torch.compile is at work, and a hook would disturb it"
            return
        self.reason[id(module)] = "no call of it was seen after its first step"
        self._wanted[id(module)] = weakref.ref(module)
        if self._handle is None:
            from torch.nn.modules.module import register_module_forward_hook

            self._calls = 0
            self._handle = register_module_forward_hook(self._called, with_kwargs=True)

    def stop(self) -> None:
        """Look no more."""
        handle, self._handle = self._handle, None
        self._wanted.clear()
        if handle is not None:
            handle.remove()
            # What torch leaves behind of it would make every module's call the slower one.
            hooks = getattr(sys.modules["torch.nn.modules.module"], _WITH_KWARGS, {})
            hooks.pop(handle.id, None)

    def _called(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: Any
    ) -> None:
        if _is_traced():
            return  # looking would become a part of what is traced
        self._calls += 1
        reference = self._wanted.get(id(module))
        if reference is not None and reference() is module:
            self._wanted.pop(id(module), None)  # another thread may have been quicker
            try:
                self.signature[id(module)] = _signature(module, args, kwargs, given)
            except Exception as error:  # of unusual arguments; the user's call goes on
                self.reason[id(module)] = f"{type(error).__name__}: {error}"
        if not self._wanted or self._calls > _MOST_CALLS:
            self.stop()


def _compiles() -> bool:
    """Whether anything was compiled in this process."""
    return bool(getattr(sys.modules.get("torch._dynamo.utils"), "counters", {}).get("frames"))


def _is_traced() -> bool:
    """Whether this call is made to compile, trace, export or transform the module."""
    torch: Any = sys.modules["torch"]
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    # Inside of vmap and grad a tensor is one row of a batch, or has no values.
    return torch._C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001 - there is no other way to ask


def _signature(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: Any
) -> ModelSignature:
    """The signature that a call shows; raises TypeError if tensors are not all there is to it."""
    if len(args) == 1 and not kwargs:
        inputs = args[0] if isinstance(args[0], dict) else {None: args[0]}
    elif not args:
        inputs = kwargs
    else:
        inputs = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    if isinstance(given, (list, tuple)):
        given = {f"output_{index}": one for index, one in enumerate(given)}
    outputs = given if isinstance(given, dict) else {None: given}
    return ModelSignature(_schema(inputs.items(), "takes"), _schema(outputs.items(), "gives"))


def _schema(tensors: Iterable[tuple[Any, Any]], does: str) -> Schema:
    kinds = (sys.modules["torch"].Tensor, np.ndarray)
    specs = []
    for name, tensor in tensors:
        if tensor is None:  # an optional part that is left out
            continue
        if not isinstance(tensor, kinds):
            raise TypeError(f"it {does} a {type(tensor).__name__}, which is no tensor")
        shape = tuple(tensor.shape)
        named = None if name is None else str(name)
        specs.append(TensorSpec(_numpy_type(tensor), (-1, *shape[1:]) if shape else shape, named))
    return Schema(specs)


def _numpy_type(tensor: Any) -> np.dtype[Any]:
    """A tensor's type as numpy has it; raises TypeError if it has none."""
    name = str(tensor.dtype).removeprefix("torch.")
    found = np.dtype("float32" if name == "bfloat16" else name)
    if found.kind == "V":  # another package's, such as ml_dtypes
        raise TypeError(f"numpy has no type {name}")
    return found
