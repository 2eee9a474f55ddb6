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
        usual: how many calls there are between two steps; 0 before the first step.
    """

    __slots__ = ("_code", "_unusual", "divisor", "is_known", "name", "usual")

    def __init__(self, name: str | None, code: CodeType | None = None) -> None:
        self.name = name
        self._code = code  # the book knows it by its id, since its hash takes long
        self.divisor: float | None = None
        self.is_known = False
        self.usual = 0
        self._unusual = 0

    def counts(self, count: int) -> int:
        """Put down how many calls led to a step; hands back how many of them, the last, count.

        There are fewer than usual in a part of a round, and more where a part of one was thrown
        away before. What comes twice in a row is what is usual from then on.
        """
        if count == self.usual or not self.usual:
            self.usual, self._unusual = count, 0
            return count
        is_new = count == self._unusual and not (count > self.usual and self.usual == self.divisor)
        self.is_known = self.is_known and count > self.usual  # else it is looked up again
        if is_new:
            self.usual, self._unusual = count, 0
            return count
        self._unusual = count
        return min(count, self.usual)


class Sum:
    """The losses of one place since the last step."""

    __slots__ = ("site", "values")

    def __init__(self, site: Site, value: float | Pending) -> None:
        self.site = site
        self.values: list[float | Pending] = [value]

    def mean(self) -> float | Pending:
        """Their mean; of the undivided ones if each was divided by how many they are to be."""
        site = self.site
        values = self.values[-site.counts(len(self.values)) :]
        if site.divisor is not None and site.divisor == site.usual:
            return mean(values, site.divisor)
        return values[0] if len(values) == 1 else mean(values)


class LossBook:
    """The losses of one thread.

    Attributes:
        sums: by the place they came from, in the order in which they came.
        during: those that came while the optimizer was at its step: a closure's evaluations.
        not_scalar: how many there were that are no scalar.
        site: the place of the first loss since the step, as long as it is the only one and not in
            the sums; its number is ``value``.
        latest: the place that called ``backward`` last; it is at ``position`` in ``code``.
    """

    __slots__ = (
        "_sites",
        "code",
        "during",
        "latest",
        "not_scalar",
        "position",
        "site",
        "sums",
        "value",
    )

    def __init__(self) -> None:
        self._sites: dict[tuple[int, int], Site] = {}
        self.sums: dict[Site, Sum] = {}
        self.during: dict[Site, Sum] = {}
        self.not_scalar = 0
        self.site: Site | None = None
        self.value = 0.0
        self.latest: Site | None = None
        self.code: CodeType | None = None
        self.position = -1

    def note(self, site: Site, value: float | Pending | None, loss: Any, *, during: bool) -> None:
        """Put down a loss before its graph is gone through."""
        if value is None:
            self.not_scalar += 1
            return
        if self.site is not None:
            self.settle()
        sums = self.during if during else self.sums
        known = sums.get(site)
        if known is None:
            sums[site] = Sum(site, value)
            return
        if during:
            known.values.append(0.0)  # the first one counts, and how many there were
            return
        known.values.append(value)
        if loss is not None and (not site.is_known or len(known.values) == site.usual + 1):
            site.is_known = False
            self.learn_divisor(site, loss)

    def settle(self) -> None:
        """Put a loss that is on its own to the others."""
        site, self.site = self.site, None
        if site is not None:
            self.sums[site] = Sum(site, self.value)

    def learn_divisor(self, site: Site, loss: Any) -> None:
        """Find out by what a loss is divided at a place, once."""
        if not site.is_known:
            site.is_known = True
            site.divisor = _divisor(loss)

    def forget(self) -> None:
        """Drop what came since the last step."""
        if self.sums:
            self.sums = {}
        if self.during:
            self.during = {}
        self.site = None

    def site_of_backward(self, caller: FrameType, method_code: CodeType) -> Site:
        """The place that called ``backward``, given the frame that called torch's function."""
        frame: FrameType | None = caller
        if caller.f_code is method_code:
            frame = caller.f_back
        if frame is not None:
            known = self._sites.get((id(frame.f_code), frame.f_lasti))
            if known is not None:
                if frame is not caller:  # as the next one is most likely called
                    self.latest, self.code, self.position = known, frame.f_code, frame.f_lasti
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
