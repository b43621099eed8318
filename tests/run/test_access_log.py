"""gunicorn writes down no request: the application's own line says what may be said of it."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config

CONFIG = Path(__file__).resolve().parents[2] / "docker" / "gunicorn.py"


class TestGunicornsAccessLog:
    def test_looks_at_nothing_of_a_request(self) -> None:
        """Guard: gunicorn's own logger would take what it is given apart."""
        found = runpy.run_path(str(CONFIG))
        config = Config()
        config.set("logger_class", found["logger_class"])
        logger: Any = object.__new__(config.logger_class)
        given = {"logconfig": None, "logconfig_json": None, "syslog": False}
        logger.cfg = SimpleNamespace(
            accesslog=found["accesslog"], logconfig_dict=found["logconfig_dict"], **given
        )

        assert logger.access_log_enabled  # Though there is no accesslog.
        logger.access(None, None, None, None)
