"""How gunicorn serves NexaPay, in a container and under run.py alike."""

import logging
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from nexapay import env
from nexapay.kernel import garbage, logs
from nexapay.processes import die_with_parent

wsgi_app = "nexapay.wsgi:application"


def is_no_silence(record: logging.LogRecord) -> bool:
    """Whether a line says more than that a client fell silent (when_ready), which is its affair."""
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


try:
    bind = [f"0.0.0.0:{env.number('PORT', 8000, low=1, high=65535)}"]
    workers = env.number("WEB_CONCURRENCY", 2, low=1, high=64)
except ImproperlyConfigured as error:
    sys.exit(str(error))
worker_class = "nexapay.webworker.WebWorker"  # gthread, and a line for webhooks.
threads = 8

# Loaded once for all workers: a start costs less, and a new worker next to nothing. A reload
# (SIGHUP) so replaces the workers but not the code; a new release is a new master.
preload_app = True

timeout = 30
graceful_timeout = 8  # Shorter than any supervisor's patience, ours and Docker's (10 s).
keepalive = 5
max_requests = 20_000  # A worker that leaked a little is replaced before it matters.
max_requests_jitter = 2_000

# A request that stops half way holds a thread; without this, sixteen of them would hold the site.
# It still is a thread for so long: whoever faces strangers has nginx in front, which reads first.
SILENCE_S = 4
# A connection that has said nothing yet is kept by the kernel for so long, and costs no thread.
UNSAID_S = 30

# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

accesslog = None  # The application logs requests itself, without personal data.
logger_class = "nexapay.accesslog.NoAccessLog"
errorlog = "-"
loglevel = "warning"
logconfig_dict = logs.config(level="INFO")  # gunicorn's own lines look like all others.
logconfig_dict["loggers"] |= {
    "gunicorn.error": {"level": "WARNING", "propagate": True, "filters": ["silence"]},
    "gunicorn.access": {"level": "CRITICAL", "propagate": False},
}
logconfig_dict["filters"] = {"silence": {"()": lambda: is_no_silence}}
control_socket_disable = True

# No proxy of ours tells where we are mounted; who else said so on this machine would get a 500.
forwarder_headers = ""

limit_request_line = 8190
limit_request_fields = 100


def when_ready(server: Any) -> None:
    """
    Give up requests that fall silent: every connection that is accepted inherits the limit.

    One on which nothing was said is not accepted at all.
    """
    limit = struct.pack("ll", int(SILENCE_S), int(SILENCE_S % 1 * 1_000_000))
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):  # Linux has it.
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, UNSAID_S)


def pre_fork(_server: Any, _worker: Any) -> None:
    """Let no worker look for garbage too often, nor in what all of them share: it stays."""
    garbage.look_seldom()


def post_fork(_server: Any, worker: Any) -> None:
    """Let no worker outlive a master that was killed."""
    die_with_parent(worker.ppid)
