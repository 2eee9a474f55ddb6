"""The ledger of patches: puts wrappers in, and takes them out so that no trace is left.

One :class:`Patcher` belongs to one integration. It notes what lay in ``vars(owner)`` before, so
:meth:`Patcher.undo` puts back the very same objects: a method is restored where it was defined and
nowhere else, a classmethod as the classmethod it was. Where another tool has wrapped after us, its
wrapper stays and ours is switched off underneath.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.hooks.guard import quietly
from chiplog.hooks.holders import find_holders
from chiplog.hooks.imports import ImportHook
from chiplog.hooks.wrapping import Switch, Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from chiplog.hooks.wrapping import Wrapper

__all__ = ["Patch", "Patcher", "definer"]


@dataclass(frozen=True, eq=False)
class Patch:
    """An entry of the ledger: ``owner`` held ``raw`` under ``name``, and now holds ``ours``."""

    owner: type | ModuleType
    name: str
    raw: Any
    ours: Callable[..., Any]

    @property
    def target(self) -> str:
        """Where this patch is, such as ``sklearn.cluster._kmeans.KMeans.fit``."""
        return target_name(self.owner, self.name)

    @property
    def is_outermost(self) -> bool:
        """Whether the owner still holds our wrapper itself."""
        return vars(self.owner).get(self.name) is self.ours

    def take_out(self) -> None:
        """Put back what was there, unless somebody else has wrapped ours since."""
        if self.is_outermost:
            setattr(self.owner, self.name, self.raw)


class Patcher:
    """Records patches and undoes them exactly. Patching twice is patching once, undoing likewise.

    Args:
        name: whose patches these are, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._switch = Switch()
        self._patches: dict[tuple[int, str], Patch] = {}
        self._functions: dict[int, Patch] = {}
        self._hooks: list[ImportHook] = []
        self._removals: list[Callable[[], object]] = []
        self._lock = threading.RLock()

    @property
    def enabled(self) -> bool:
        """Whether the wrappers that were put in are called."""
        return bool(self._switch)

    @property
    def patches(self) -> list[Patch]:
        """What is patched now, in the order in which it was."""
        return list(self._patches.values())

    def wrap(self, owner: type | ModuleType, name: str, wrapper: Wrapper) -> bool:
        """Wrap ``owner.name`` and say whether it is wrapped.

        False if ``owner`` itself does not define ``name``: a method that a class only inherits is
        wrapped on the class that defines it (see :func:`definer`). ``wrapper`` is called as
        ``wrapper(wrapped, instance, args, kwargs)``. Methods, classmethods, staticmethods and other
        descriptors that give callables can be wrapped; raises TypeError for anything else.
        """
        with self._lock:
            entry = vars(owner).get(name)
            if entry is None:
                return False
            known = self._patches.get((id(owner), name))
            if known is not None and _leads_to(entry, known.ours):
                return True
            if not _is_wrappable(entry):
                target = target_name(owner, name)
                raise TypeError(f"{target} is a {type(entry).__name__}, which cannot be wrapped.")
            self._put_in(owner, name, entry, Wrapped(entry, wrapper, self._switch, name))
            return True

    def replace(
        self,
        owner: type | ModuleType,
        name: str,
        make: Callable[[Callable[..., Any], list[bool]], Callable[..., Any]],
    ) -> bool:
        """Put a plain function in the place of ``owner.name``, and say whether it is there.

        For a function that is called in every step of a training: a call through :meth:`wrap` takes
        several times as long. ``make(original, on)`` hands back the function, which calls the
        original itself, and does nothing else any more once ``on`` is empty. What it replaces must
        be a plain function too, and is looked up by everybody in this one place.
        """
        with self._lock:
            entry = vars(owner).get(name)
            known = self._patches.get((id(owner), name))
            if entry is None or (known is not None and _leads_to(entry, known.ours)):
                return entry is not None
            ours = functools.update_wrapper(make(entry, self._switch), entry)
            self._put_in(owner, name, entry, ours)
            return True

    def wrap_functions(
        self,
        wrappers: Mapping[Callable[..., Any], Wrapper],
        public: Iterable[ModuleType],
    ) -> int:
        """Wrap module-level functions wherever they are looked up; hands back in how many places.

        Replaced are the functions in the modules ``public``, where a framework offers them, and in
        every imported module outside that framework which holds one by name. The framework's
        other modules keep the originals: these pickle by reference to where they are defined, and
        what the framework calls itself is not watched. The modules are read once for all functions.
        """
        with self._lock:
            wanted: dict[int, object] = {id(function): function for function in wrappers}
            ours: dict[int, Callable[..., Any]] = {}
            for function, wrapper in wrappers.items():
                known = self._functions.get(id(function))
                ours[id(function)] = (
                    known.ours
                    if known
                    else Wrapped(function, wrapper, self._switch, getattr(function, "__name__", ""))
                )
            places = [
                (module, name, value)
                for module in public
                for name, value in list(vars(module).items())
                if id(value) in wanted
            ]
            packages = {(f.__module__ or "").partition(".")[0] for f in wrappers}
            places.extend(find_holders(wanted, without=packages))
            for owner, name, function in places:
                self._put_in(owner, name, function, ours[id(function)])
            return len(places)

    def wrap_function_everywhere(
        self,
        function: Callable[..., Any],
        wrapper: Wrapper,
        modules: Iterable[ModuleType] = (),
    ) -> int:
        """As :meth:`wrap_functions`, for one function that ``modules`` offer."""
        return self.wrap_functions({function: wrapper}, modules)

    def on_import(self, module: str, callback: Callable[[ModuleType], object]) -> None:
        """Call back when ``module`` has been imported: now if it was already, else then."""
        hook = ImportHook(module, callback)
        with self._lock:
            self._hooks.append(hook)
        hook.arm()

    def on_undo(self, function: Callable[[], object]) -> None:
        """Call ``function`` when everything is undone: to remove a hook that a framework offers."""
        with self._lock:
            self._removals.append(function)

    def undo(self) -> None:
        """Put everything back as it was; what cannot be put back is switched off for good."""
        with self._lock:
            for hook in self._hooks:
                hook.cancel()
            self._hooks.clear()
            self._switch.off()
            while self._removals:
                quietly("Removing a framework's hook", self._removals.pop(), None)
            for patch in reversed(self._patches.values()):
                patch.take_out()
            self._take_out_of_later_modules()
            self._patches.clear()
            self._functions.clear()
            self._switch = Switch()

    def _put_in(
        self, owner: type | ModuleType, name: str, raw: Any, ours: Callable[..., Any]
    ) -> None:
        patch = Patch(owner, name, raw, ours)
        setattr(owner, name, ours)
        self._patches[id(owner), name] = patch
        if not isinstance(owner, type):
            self._functions[id(raw)] = patch

    def _take_out_of_later_modules(self) -> None:
        """Modules imported since may hold our wrappers: give them the originals."""
        if not self._functions:
            return
        raws = {id(patch.ours): patch.raw for patch in self._functions.values()}
        wanted: dict[int, object] = {
            id(patch.ours): patch.ours for patch in self._functions.values()
        }
        for module, name, ours in find_holders(wanted):
            setattr(module, name, raws[id(ours)])


def definer(owner: type, name: str) -> type | None:
    """The class that defines the method which ``owner`` has under ``name``."""
    return next((base for base in owner.__mro__ if name in vars(base)), None)


def target_name(owner: type | ModuleType, name: str) -> str:
    """A patched attribute in words."""
    if isinstance(owner, type):
        return f"{owner.__module__}.{owner.__qualname__}.{name}"
    return f"{owner.__name__}.{name}"


def _leads_to(entry: Any, ours: Callable[..., Any]) -> bool:
    """Whether an entry is our wrapper, or somebody else's around it."""
    for _ in range(64):
        if entry is ours or entry is None:
            return entry is ours
        entry = getattr(entry, "__wrapped__", None)
    return False


def _is_wrappable(entry: Any) -> bool:
    if isinstance(entry, (classmethod, staticmethod)) or callable(entry):
        return True
    return hasattr(type(entry), "__get__") and not hasattr(type(entry), "__set__")
