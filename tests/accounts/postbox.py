"""A mail server on loopback that says what it is told to, and keeps what it took."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread
from typing import Any

from pytest_django import Settings

TAKE, DROP = "250 taken", "drop"
# Takes the mail and says so, but is gone when it is spoken to again, or says that it is leaving.
HANG_UP, LEAVE = "hang up", "leave"
REFUSE = "550 5.1.1 <meera@example.com> is nobody here"


class Postbox(socketserver.ThreadingTCPServer):
    """answers: what it says to one mail after the other; TAKE to those that come after."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answers: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.answers = answers
        self.mails: list[EmailMessage] = []
        self.connections = 0

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what it took, in order."""
        return [str(mail["Message-ID"]) for mail in self.mails]


class _Talk(socketserver.StreamRequestHandler):
    server: Postbox
    is_leaving = False

    def handle(self) -> None:
        self.server.connections += 1
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                if not self._take_mail():
                    return
            elif self.is_leaving:
                self._say("421 4.4.2 you were silent for too long")
                return
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take_mail(self) -> bool:
        self._say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        answer = self.server.answers.pop(0) if self.server.answers else TAKE
        if answer in (TAKE, DROP, HANG_UP, LEAVE):
            mail: Any = message_from_bytes(b"".join(lines), policy=policy.default)
            self.server.mails.append(mail)
        if answer == DROP:
            return False
        self.is_leaving = answer == LEAVE
        self._say(TAKE if answer in (HANG_UP, LEAVE) else answer)
        return answer != HANG_UP

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def postbox(settings: Settings, *answers: str) -> Iterator[Postbox]:
    """Have mail sent to one."""
    with Postbox(list(answers)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_TIMEOUT = 10
        yield server
        server.shutdown()
        thread.join()
