"""Structured logs: one JSON object a line, with the request's id and nothing personal."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

# Django's own lines name the raw path, which may hold a token; ours name the route. Their level
# closes them: without a handler alone, Python's last resort would write them bare to stderr.
_SILENT = ("django.request", "django.server", "django.security")
_CLOSED = {"handlers": [], "level": logging.CRITICAL + 1, "propagate": False}

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def config(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: everything through one JSON formatter to standard error."""
    if level not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(
            f"LOG_LEVEL is {level!r}; it must be a level's name, such as INFO."
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **dict.fromkeys(_SILENT, _CLOSED),
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},  # It warns at each try to reconnect.
        },
    }


def configure() -> None:
    """Make structlog write through the standard library's handlers."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class Plain:
    """
    A logger for lines that every request writes: the same line, of plain values, in one write.

    By way of the standard library one line takes as long as a prepared query.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger = logging.getLogger(name)

    def info(self, event: str, *, request_id: str, **said: str | float | None) -> None:
        """
        Write what was said with what every line has; a log that is gone fails nobody.

        Of what is bound to all lines of a request it is told the request's id alone.
        """
        if not self._logger.isEnabledFor(logging.INFO):
            return
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = {**said, "event": event, "request_id": request_id}
        line |= {"level": "info", "logger": self._name, "timestamp": now}
        try:
            # One call for the whole line, its end too: lines of other threads stay lines.
            sys.stderr.write(json.dumps(line) + "\n")
        except (OSError, ValueError):
            return
