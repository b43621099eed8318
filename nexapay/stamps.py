"""What an earlier start has done already, so that this one need not do it again."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

STATIC_FOLDERS = ("static", "*/static", "*/*/static")
MIGRATION_FOLDERS = ("*/migrations", "*/*/migrations")
CODE = ("requirements.lock", "nexapay/settings.py")


def was_served(folder: Path) -> bool:
    """Tell whether the embedded database was ever served from."""
    return _prepared(folder).exists()


def is_prepared(root: Path, folder: Path) -> bool:
    """Tell whether the embedded database has had every migration of this source tree."""
    stamp = _prepared(folder)
    return stamp.exists() and stamp.read_text() == _fingerprint(root, MIGRATION_FOLDERS)


def remember_prepared(root: Path, folder: Path) -> None:
    """Note that the embedded database is no longer new, and what was applied to it."""
    _prepared(folder).write_text(_fingerprint(root, MIGRATION_FOLDERS))


def _prepared(folder: Path) -> Path:
    return folder / "postgres" / "prepared"  # It goes when the database is thrown away.


def statics_are_fresh(root: Path, folder: Path) -> bool:
    """Tell whether the gathered static files are those of this source tree."""
    stamp = _statics(folder)
    gathered = (folder / "staticfiles").is_dir() and stamp.exists()
    return gathered and stamp.read_text() == _fingerprint(root, STATIC_FOLDERS)


def remember_statics(root: Path, folder: Path) -> None:
    """Note that the static files were gathered completely."""
    _statics(folder).write_text(_fingerprint(root, STATIC_FOLDERS))


def _statics(folder: Path) -> Path:
    return folder / "staticfiles.stamp"


def _fingerprint(root: Path, folders: tuple[str, ...]) -> str:
    """Return a digest that changes when a file in there, a package or the settings do."""
    digest = hashlib.sha256()
    for path in sorted(_files(root, folders)):
        found = path.stat()
        digest.update(f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}\n".encode())
    for name in CODE:
        digest.update((root / name).read_bytes() if (root / name).exists() else b"")
    return digest.hexdigest()


def _files(root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for top in root.glob(pattern):
            for folder, _folders, files in os.walk(top):
                yield from (Path(folder, name) for name in files if not name.endswith(".pyc"))
