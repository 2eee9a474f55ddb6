"""The schema of the first release, where every history begins."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change nothing: a database of this version was made by ``create_all``."""
