"""What the tests of the kernel share."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import override_settings

from tests.kernel.rendering import NOW


@pytest.fixture
def at_a_known_time() -> Iterator[None]:
    """Let it be NOW, in UTC."""
    with time_machine.travel(NOW, tick=False), override_settings(TIME_ZONE="UTC"):
        yield
