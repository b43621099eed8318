"""The embedded PostgreSQL."""

from pathlib import Path


def url(data_dir: Path) -> str:
    """Return the address of the embedded database."""
    raise FileNotFoundError(data_dir)
