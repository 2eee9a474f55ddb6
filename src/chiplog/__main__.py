"""``python -m chiplog``: the same program as ``chiplog``."""

from chiplog.core.cli import main

if __name__ == "__main__":
    main()
