"""Waiting at a socket, without selectors that are made to be kept."""

from select import poll


def is_ready(descriptor: int, what: int, milliseconds: int | None = None) -> bool:
    """Wait until it is ready for what (POLLIN, POLLOUT), and say whether it was in time."""
    poller = poll()
    poller.register(descriptor, what)
    return bool(poller.poll(milliseconds))
