"""The norm of an optimizer's gradients, without waiting for the device."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import number

if TYPE_CHECKING:
    from chiplog.core.autolog.scalars import Pending


def gradient_norm(optimizer: Any) -> float | Pending | None:
    """The 2-norm of all gradients of an optimizer, as they are at its step; None without any.

    Gradients that a fused optimizer is yet to unscale are taken unscaled.
    """
    torch: Any = sys.modules["torch"]
    groups: dict[Any, list[Any]] = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is not None:
                if gradient.is_sparse:
                    gradient = gradient.coalesce().values()
                groups.setdefault((gradient.device, gradient.dtype), []).append(gradient)
    if not groups:
        return None
    with torch.no_grad():
        norms: list[Any] = []
        for same in groups.values():
            norms += torch._foreach_norm(same)  # noqa: SLF001 - what clip_grad_norm_ itself uses
        if len(groups) > 1:
            device = norms[0].device
            norms = [norm.to(device, torch.float32) for norm in norms]
        total = torch.linalg.vector_norm(torch.stack(norms))
        scale = getattr(optimizer, "grad_scale", None)
        if scale is not None:
            total = total / scale.to(total.device)
    return number(total)
