"""
What the services say while they serve: kept in files, so that the terminal stays readable.

Each service writes its standard error to one file, bounded in size. Of that, a person at the
terminal is shown what went wrong, in one line; the rest is there to be looked up.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

LIMIT_BYTES = 10_000_000
LONGEST_NOTICE = 200  # characters
MOST_NOTICES = 5  # at one look; what floods a file must not flood the terminal
READ_BYTES = 1_000_000  # at one look


class ChildLog:
    """The file that one service writes its standard error to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._seen = path.stat().st_size if path.exists() else 0

    def open(self) -> int:
        """Return a descriptor for a child to append to; the caller closes its own."""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def notices(self) -> Iterator[str]:
        """Yield what a person should see of the lines written since the last call."""
        found = [text for line in self._new_lines() if (text := notice(line))]
        yield from found[:MOST_NOTICES]
        if len(found) > MOST_NOTICES:
            yield f"... and {len(found) - MOST_NOTICES} more in {self.path}"
        self._keep_small()

    def _new_lines(self) -> list[str]:
        """Return the whole lines that are new; one that is still being written waits."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._seen)
            block = file.read(READ_BYTES)
        whole = block[: block.rfind(b"\n") + 1]
        self._seen += len(whole) or (len(block) if len(block) == READ_BYTES else 0)
        return whole.decode(errors="replace").splitlines()

    def _keep_small(self) -> None:
        """Put a full file aside; who writes to it goes on, for it appends."""
        if self._seen > LIMIT_BYTES:
            shutil.copyfile(self.path, self.path.with_suffix(".old.log"))
            os.truncate(self.path, 0)
            self._seen = 0


def notice(line: str) -> str:
    """Return what a person should see of one line of a log; "" for nothing."""
    if line.startswith("{"):
        try:
            return _of_record(json.loads(line))
        except ValueError:
            pass
    if not line.strip() or line[0].isspace() or line.startswith("Traceback"):
        return ""  # Of a traceback the last line says what it was.
    return line[:LONGEST_NOTICE]


def _of_record(record: dict[str, object]) -> str:
    """Say what an error's record says in one line, and by which id to find the rest."""
    if record.get("level") not in {"error", "critical"}:
        return ""
    places = record.get("at")
    last = places[-1] if isinstance(places, list) and places else ""
    words = [record.get("event"), record.get("error"), f"at {last}" if last else ""]
    text = " ".join(" ".join(str(word) for word in words if word).split())
    request = record.get("request_id")
    return text[:LONGEST_NOTICE] + (f" (request {request})" if request else "")
