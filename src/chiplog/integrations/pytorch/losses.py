"""The losses that a thread has put through ``backward`` since its optimizer's last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import Pending, mean, number
from chiplog.integrations.pytorch.callsites import name_at, users_frame

if TYPE_CHECKING:
    from types import CodeType, FrameType

LOSS = "loss"


class Site:
    """A place in the user's code from which ``backward`` is called.

    Attributes:
        name: what stands there for the loss; None if that has no name.
        divisor: the number by which the loss is divided there, as is usual when gradients are
            accumulated: found out when the same place comes again before a step.
        most: the most calls there were between two steps.
    """

    __slots__ = ("_code", "divisor", "is_known", "most", "name")

    def __init__(self, name: str | None, code: CodeType | None = None) -> None:
        self.name = name
        self._code = code  # the book knows it by its id, since its hash takes long
        self.divisor: float | None = None
        self.is_known = False
        self.most = 1


class Sum:
    """The losses of one place since the last step."""

    __slots__ = ("site", "values")

    def __init__(self, site: Site, value: float | Pending) -> None:
        self.site = site
        self.values: list[float | Pending] = [value]

    def mean(self) -> float | Pending:
        """Their mean; of the undivided ones if each was divided by how many they are to be."""
        values, site = self.values, self.site
        count = len(values)
        site.most = max(site.most, count)
        if site.divisor is not None and site.divisor == site.most:
            return mean(values, site.divisor)
        return values[0] if count == 1 else mean(values)


class LossBook:
    """The losses of one thread.

    Attributes:
        sums: by the place they came from, in the order in which they came.
        during: those that came while the optimizer was at its step: a closure's evaluations.
        not_scalar: how many there were that are no scalar.
    """

    __slots__ = ("_sites", "during", "not_scalar", "sums")

    def __init__(self) -> None:
        self._sites: dict[tuple[int, int], Site] = {}
        self.sums: dict[Site, Sum] = {}
        self.during: dict[Site, Sum] = {}
        self.not_scalar = 0

    def note(self, site: Site, value: float | Pending | None, loss: Any, *, during: bool) -> None:
        """Put down a loss before its graph is gone through."""
        if value is None:
            self.not_scalar += 1
            return
        sums = self.during if during else self.sums
        known = sums.get(site)
        if known is None:
            sums[site] = Sum(site, value)
            return
        if during:
            known.values.append(0.0)  # the first one counts, and how many there were
            return
        known.values.append(value)
        if not site.is_known:
            self.learn_divisor(site, loss)

    def learn_divisor(self, site: Site, loss: Any) -> None:
        """Find out by what a loss is divided at a place, once."""
        if not site.is_known:
            site.is_known = True
            site.divisor = _divisor(loss)

    def forget(self) -> None:
        """Drop what came since the last step."""
        self.sums, self.during = {}, {}

    def site_of_backward(self, caller: FrameType, method_code: CodeType) -> Site:
        """The place that called ``backward``, given the frame that called torch's function."""
        frame: FrameType | None = caller
        if caller.f_code is method_code:
            frame = caller.f_back
        if frame is not None:
            known = self._sites.get((id(frame.f_code), frame.f_lasti))
            if known is not None:
                return known
        return self._site(caller, "backward", is_method=caller.f_code is method_code)

    def site_of_scale(self, caller: FrameType) -> Site:
        """The place that called ``GradScaler.scale``."""
        known = self._sites.get((id(caller.f_code), caller.f_lasti))
        return known or self._site(caller, "scale", is_method=False)

    def _site(self, caller: FrameType, method: str, *, is_method: bool) -> Site:
        frame, is_direct = users_frame(caller)
        if frame is None:
            return Site(None)
        key = id(frame.f_code), frame.f_lasti
        site = self._sites.get(key)
        if site is None:
            name = name_at(frame.f_code, frame.f_lasti, method, is_receiver=is_method and is_direct)
            site = self._sites[key] = Site(name, frame.f_code)
        return site


def _divisor(loss: Any) -> float | None:
    """The plain number that a loss was divided by in its last operation, if it was."""
    last = getattr(loss, "grad_fn", None)
    if last is None or last.name() != "DivBackward0":
        return None
    other = getattr(last, "_saved_other", None)
    if other is None or other.device.type != "cpu":
        return None
    found = number(other)
    return found if isinstance(found, float) else None
