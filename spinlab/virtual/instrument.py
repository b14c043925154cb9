"""What every message-based instrument is: a message goes in, at most one reply comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from spinlab.virtual.commands import AnySetting, Command, declared
from spinlab.virtual.formats import shortest
from spinlab.virtual.schedule import Schedule
from spinlab.virtual.status import CommandFailed

if TYPE_CHECKING:
    from spinlab.virtual.faults import FaultLine

Call = tuple[Command, tuple[int, ...], list[str]]
"""A command that was recognised, its numeric suffixes and the texts of its arguments."""


@dataclass(frozen=True)
class Wait:
    """What a method returns when its answer takes time: ``then()`` gives the answer at time ``until`` (s)."""

    until: float
    then: Callable[[], Any] = lambda: None


@dataclass
class Pending:
    """A reply that will be there at ``ready_at`` (s); ``reply`` stays None if the message turns out to ask nothing.

    ``asked`` is False for a message that holds no query: it takes its time, but nobody need wait for a reply.
    """

    ready_at: float
    done: bool = False
    reply: bytes | None = None
    asked: bool = True


class Cut(bytes):
    """A reply that broke off: no terminator follows, whoever adds one."""

    def __add__(self, _: object) -> bytes:
        """Return what there is of it."""
        return bytes(self)


class HangUp(Cut):
    """Instead of a reply: the instrument has closed the connection."""


Reply = bytes | Pending | None


class Instrument(ABC):
    """A message-based instrument on a bench's timeline.

    Whoever owns a wire calls :meth:`receive` with one message, its terminator removed, and sends back what it returns
    followed by ``reply_terminator``. ``latency`` is the time one exchange costs, s. Messages longer than
    ``input_buffer_size`` bytes are lost, with the error the model has for that; of replies that nobody reads a wire
    keeps ``output_buffer_size`` bytes, and any single one.
    """

    identity: str = "SPINLAB,INSTRUMENT,0,1.0"
    reply_terminator: bytes = b"\n"
    reply_separator: bytes = b";"
    latency: float = 1e-3
    input_buffer_size: int = 1 << 22
    output_buffer_size: int = 1 << 20
    stops_at_syntax_errors: bool = True
    number_format: Callable[[float], str] = staticmethod(shortest)
    faults: FaultLine | None = None
    commands: ClassVar[list[Command]]
    settings: ClassVar[list[AnySetting]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.commands, cls.settings = declared(cls)

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.busy_until = float("-inf")
        self._acting_at: float | None = None
        self.reset()

    @property
    def now(self) -> float:
        """When what is being carried out happens, s: the present, or the past when nobody looked in time."""
        return self.schedule.clock.now() if self._acting_at is None else self._acting_at

    @contextmanager
    def acting(self, time: float) -> Iterator[None]:
        """Let :attr:`now` be ``time`` (s) inside: for what was booked for then and is carried out when somebody looks."""
        before, self._acting_at = self._acting_at, time
        try:
            yield
        finally:
            self._acting_at = before

    # --- what a model implements

    @abstractmethod
    def parse(self, message: str) -> Iterator[Call]:
        """Yield the calls of a message in order; raises CommandFailed where it stops making sense."""

    @abstractmethod
    def fail(self, failure: CommandFailed) -> None:
        """Report an error the way the model does."""

    def reset(self) -> None:
        """Do what *RST does; a model with more than settings extends this."""
        for each in self.settings:
            each.reset(self)

    def power_cycle(self) -> None:
        """Do what switching off and on again does; a model with more memory than its settings extends this."""
        self.device_clear()
        self.reset()

    def setting_changed(self, name: str) -> None:  # noqa: B027 - most models need not
        """Hear that a message changed the setting ``name``."""

    def trigger(self) -> None:  # noqa: B027 - most models have none
        """Do what *TRG and a bus trigger do; nothing unless the model has one."""

    def serial_poll(self, message_available: bool) -> int:
        """Return the status byte."""
        return 16 if message_available else 0

    def wants_service(self, message_available: bool) -> bool:
        """Whether the service request line is pulled."""
        return False

    # --- what a wire calls

    def receive(self, message: bytes) -> Reply:
        """Carry out one message, or suffer the fault that is due; returns a reply, None, or a :class:`Pending` one.

        Never raises for any bytes. A :class:`Cut` reply gets no terminator; after a :class:`HangUp` the wire is dead.
        """
        return self.perform(message) if self.faults is None else self.faults.receive(message)

    def perform(self, message: bytes) -> Reply:
        """Carry out one message as a sound instrument does."""
        now = self.schedule.catch_up()
        if len(message) > self.input_buffer_size:
            self.fail(CommandFailed(-363))
            return None
        text = message.decode("latin-1").strip()
        if now < self.busy_until:
            reply: Reply = self._later(
                self.busy_until, Pending(self.busy_until), lambda: self._work(self.parse(text), [])
            )
        else:
            reply = self._work(self.parse(text), [])
        if isinstance(reply, Pending):
            reply.asked = "?" in text
        return reply

    def interrupted(self) -> None:
        """Hear that a message came before the last reply was read; the reply is lost."""
        self.fail(CommandFailed(-410))

    def unterminated(self) -> None:
        """Hear that somebody tried to read although there is nothing to say."""
        self.fail(CommandFailed(-420))

    def deadlocked(self) -> None:
        """Hear that replies which nobody reads fill the output buffer; they are lost."""
        self.fail(CommandFailed(-430))

    def device_clear(self) -> None:
        """Forget whatever is half received or half sent (the wire drops its own queues); settings stay."""
        self.busy_until = float("-inf")

    # --- carrying out

    def _work(self, calls: Iterator[Call], replies: list[bytes]) -> Reply:
        """Carry out the calls; an execution error skips one of them, a syntax error ends the message as a rule."""
        while True:
            try:
                found, suffixes, arguments = next(calls)
                answer = found.call(self, suffixes, arguments)
                if isinstance(answer, Wait):
                    return self._await(answer, calls, replies)
                if answer is not None:
                    replies.append(self.written(answer))
            except StopIteration:
                break
            except CommandFailed as failure:
                self.fail(failure)
                if failure.is_syntax and self.stops_at_syntax_errors:
                    break
        return self.reply_separator.join(replies) if replies else None

    def _await(self, wait: Wait, calls: Iterator[Call], replies: list[bytes]) -> Reply:
        def resume() -> Reply:
            try:
                answer = wait.then()
                if answer is not None:
                    replies.append(self.written(answer))
            except CommandFailed as failure:
                self.fail(failure)
            return self._work(calls, replies)

        if wait.until <= self.now:
            return resume()
        return self._later(wait.until, Pending(wait.until), resume)

    def _later(self, until: float, pending: Pending, resume: Callable[[], Reply]) -> Pending:
        """Book the rest of a message; messages that come meanwhile are carried out after it."""
        self.busy_until = until

        def carry_on(time: float) -> None:
            with self.acting(time):
                outcome = resume()
            if isinstance(outcome, Pending):
                self._follow(outcome, pending)
            else:
                pending.reply, pending.done = outcome, True

        self.schedule.at(until, carry_on)
        return pending

    def _follow(self, first: Pending, last: Pending) -> None:
        """Let ``last`` take over the outcome of ``first``, which had to wait once more."""

        def take_over(_: float) -> None:
            if first.done:
                last.reply, last.done = first.reply, True
            else:
                self._follow(first, last)

        last.ready_at = first.ready_at
        self.schedule.at(first.ready_at, take_over)

    def written(self, answer: Any) -> bytes:
        """Return an answer as it stands in a reply."""
        if isinstance(answer, bytes):
            return answer
        if isinstance(answer, str):
            return answer.encode("latin-1", "replace")
        if isinstance(answer, (bool, int)):
            return str(int(answer)).encode()
        return self.number_format(answer).encode()
