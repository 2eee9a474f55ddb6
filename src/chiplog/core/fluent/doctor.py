"""``chiplog.doctor()``: the checks of ``chiplog doctor``, from Python."""

from __future__ import annotations


def doctor(mask_envs: bool = False) -> None:
    """Print versions, environment and the state of the store; ``mask_envs`` hides all values."""
    from chiplog.core.cli import program

    arguments = ["doctor", *(["--mask-envs"] if mask_envs else [])]
    program.main(arguments, prog_name="chiplog", standalone_mode=False)
