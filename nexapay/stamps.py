"""What an earlier start has done already, so that this one need not do it again."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

STATIC_FOLDERS = ("static", "*/static", "*/*/static")
STATIC_CODE = ("requirements.lock", "nexapay/settings.py")


def was_prepared(folder: Path) -> bool:
    """Tell whether the embedded database was ever served from."""
    return _prepared(folder).exists()


def remember_prepared(folder: Path) -> None:
    """Note that the embedded database is no longer new."""
    _prepared(folder).touch()


def _prepared(folder: Path) -> Path:
    return folder / "postgres" / "prepared"  # It goes when the database is thrown away.


def statics_are_fresh(root: Path, folder: Path) -> bool:
    """Tell whether the gathered static files are those of this source tree."""
    stamp = _statics(folder)
    gathered = (folder / "staticfiles").is_dir() and stamp.exists()
    return gathered and stamp.read_text() == _fingerprint(root)


def remember_statics(root: Path, folder: Path) -> None:
    """Note that the static files were gathered completely."""
    _statics(folder).write_text(_fingerprint(root))


def _statics(folder: Path) -> Path:
    return folder / "staticfiles.stamp"


def _fingerprint(root: Path) -> str:
    """Return a digest that changes when a static file, a package or the settings do."""
    digest = hashlib.sha256()
    for path in sorted(_static_files(root)):
        found = path.stat()
        digest.update(f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}\n".encode())
    for name in STATIC_CODE:
        digest.update((root / name).read_bytes() if (root / name).exists() else b"")
    return digest.hexdigest()


def _static_files(root: Path) -> Iterator[Path]:
    for pattern in STATIC_FOLDERS:
        for top in root.glob(pattern):
            for folder, _folders, files in os.walk(top):
                yield from (Path(folder, name) for name in files)
