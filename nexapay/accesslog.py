"""gunicorn's logger, less what it would note of each request and write nowhere."""

from typing import Any

from gunicorn.glogging import Logger


class NoAccessLog(Logger):
    """What logger_class names in docker/gunicorn.py."""

    def access(self, *_: Any) -> None:
        """
        Do nothing: the application logs requests itself.

        With a logconfig_dict gunicorn takes the access log for open. It composed a line of fifty
        parts for each request, a quarter of all it did in Python, which no handler then wrote.
        """
