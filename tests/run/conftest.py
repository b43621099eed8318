"""What tests that start a whole site share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.processes import alive, wait_until


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    try:
        wait_until(lambda: not alive(tmp_path), "nothing is left of the site")
    finally:
        for process in alive(tmp_path):
            process.kill()
