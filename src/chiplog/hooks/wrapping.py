"""Wrapped functions that look, bind, copy and pickle like the function they wrap."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any, cast

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable

    Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]

    _BoundBase = wrapt.BoundFunctionWrapper[..., Any]
    _Base = wrapt.FunctionWrapper[..., Any]
else:
    _BoundBase = wrapt.BoundFunctionWrapper
    _Base = wrapt.FunctionWrapper


class Switch(list[bool]):
    """On while it holds something: the cheapest flag wrapt can ask at each call."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__((True,))

    def off(self) -> None:
        """Let every call through to the original from now on."""
        self.clear()


# The private-looking names are wrapt's documented way for a proxy to have attributes of its own.
# ruff: noqa: SLF001


class BoundWrapped(_BoundBase):
    """A wrapped method, bound to an instance or looked up on its class."""

    autograph_info__ = None  # TensorFlow's AutoGraph calls it as it is, and without a warning

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return getattr, (_holder(self), self._self_parent._self_name)

    def __copy__(self) -> Any:
        return getattr(_holder(self), self._self_parent._self_name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._self_instance is None:
            return self
        holder = copy.deepcopy(self._self_instance, memo)
        return getattr(holder, self._self_parent._self_name)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # a proxy's is what it stands for
        return self._self_parent._self_doc or self.__wrapped__.__doc__


class Wrapped(_Base):
    """A wrapped function, or the wrapped entry of a class."""

    __bound_function_wrapper__ = BoundWrapped
    autograph_info__ = None  # as above

    def __init__(self, wrapped: Any, wrapper: Wrapper, switch: Switch, name: str) -> None:
        super().__init__(wrapped, wrapper, cast("bool", switch))  # wrapt asks for its truth
        self._self_name = name
        self._self_doc = _inherited_doc(wrapped)

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        """By name where that name leads to this wrapper, else as the original.

        A copy of a function is itself, so the pickle holds the original by reference, and whoever
        loads it needs no chiplog.
        """
        original = self.__wrapped__
        name = getattr(original, "__qualname__", None)
        if name and _lookup(getattr(original, "__module__", None), name) is self:
            return str(name)
        return copy.copy, (original,)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


def _inherited_doc(wrapped: Any) -> str | None:
    """The docstring that a method without one has from a base class, as ``help`` finds it."""
    if not inspect.isfunction(wrapped) or wrapped.__doc__ is not None:
        return None
    return inspect.getdoc(wrapped)


def _holder(bound: BoundWrapped) -> Any:
    instance = bound._self_instance
    return bound._self_owner if instance is None else instance


def _lookup(module: str | None, qualified_name: str) -> Any:
    found: Any = sys.modules.get(module or "")
    for part in qualified_name.split("."):
        try:
            found = vars(found)[part]
        except (KeyError, TypeError):
            return None
    return found
