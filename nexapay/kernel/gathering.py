"""
Callers who come while others are being served are served together, next.

What a transaction costs is then shared: the busier it is, the less each one pays. Where several
were just served, their next questions are under way: whoever serves next waits until as many stand
in line again, but no longer than serving them took. Anybody else who comes alone is served at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

MOST_PATIENCE_S = 0.02

_Asked = TypeVar("_Asked")
_Answered = TypeVar("_Answered")


class _Caller(Generic[_Asked, _Answered]):
    """Somebody with a question, asleep until woken: with an answer, to serve, or to go alone."""

    def __init__(self, question: _Asked) -> None:
        self.question = question
        self.answers: list[_Answered] = []
        self.serves = False
        self._sleep = Lock()
        self._sleep.acquire()

    def wait(self, seconds: float = -1) -> None:
        self._sleep.acquire(timeout=seconds)

    def wake(self) -> None:
        self._sleep.release()


class Gathering(Generic[_Asked, _Answered]):
    """
    Answers questions of this process's threads, up to most of them in one call of serve.

    serve takes questions and returns their answers in order. It must be safe to ask again: when a
    call for several fails, each is asked by itself, so that one cannot spoil another's answer.
    """

    def __init__(
        self, serve: Callable[[Sequence[_Asked]], Sequence[_Answered]], *, most: int
    ) -> None:
        self._serve = serve
        self._most = most
        self._waiting: deque[_Caller[_Asked, _Answered]] = deque()
        self._is_serving = False
        self._lock = Lock()
        # How many may stand in line soon, until when that is likely, and who waits for them.
        self._expected = 1
        self._expected_until = 0.0
        self._gatherer: _Caller[_Asked, _Answered] | None = None

    def ask(self, question: _Asked) -> _Answered:
        """Return the answer to one question, or raise what serve raises for it alone."""
        me = _Caller[_Asked, _Answered](question)
        if self._must_wait(me):
            me.wait()
        if me.serves:
            try:
                self._gather(me)
            finally:
                self._serve_next()  # Whatever ended the wait: those in line know of nobody else.
        return me.answers[0] if me.answers else self._serve([question])[0]

    def _must_wait(self, me: _Caller[_Asked, _Answered]) -> bool:
        with self._lock:
            self._waiting.append(me)
            me.serves = not self._is_serving
            self._is_serving = True
            if self._gatherer and self._is_complete():
                self._gatherer.wake()
                self._gatherer = None
        return not me.serves

    def _is_complete(self) -> bool:
        return len(self._waiting) >= min(self._expected, self._most)

    def _gather(self, me: _Caller[_Asked, _Answered]) -> None:
        """Wait for those who were just served to come back; who had no company waits for none."""
        with self._lock:
            seconds = self._expected_until - monotonic()
            if self._is_complete() or seconds <= 0:
                return
            self._gatherer = me
        me.wait(seconds)
        with self._lock:
            self._gatherer = None

    def _serve_next(self) -> None:
        """Serve those who wait, the caller first among them; then wake who serves the rest."""
        with self._lock:
            number = min(len(self._waiting), self._most)
            callers = [self._waiting.popleft() for _ in range(number)]
        began = monotonic()
        try:
            self._answer(callers)
        finally:
            self._hand_over(number, monotonic() - began)
            for caller in callers[1:]:
                caller.wake()

    def _answer(self, callers: list[_Caller[_Asked, _Answered]]) -> None:
        try:
            answers = self._serve([caller.question for caller in callers])
        except Exception:
            if len(callers) == 1:
                raise
            return  # Each asks alone now, and hears for itself what is wrong.
        for caller, answer in zip(callers, answers, strict=True):
            caller.answers.append(answer)

    def _hand_over(self, served: int, took_s: float) -> None:
        with self._lock:
            self._expected = served + len(self._waiting)
            self._expected_until = monotonic() + min(took_s, MOST_PATIENCE_S)
            self._is_serving = bool(self._waiting)
            if self._waiting:
                self._waiting[0].serves = True
                self._waiting[0].wake()
