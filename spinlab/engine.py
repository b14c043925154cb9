"""The RunEngine that lives in the laboratory's time and ends every run properly.

Private names of Bluesky used here are listed in PRIVATE and watched by one test.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import bluesky.run_engine
import bluesky.suspenders
from bluesky.log import ComposableLogAdapter
from bluesky.run_engine import RunEngine
from bluesky.utils import DuringTask, FailedStatus, Msg, Plan
from event_model import DocumentNames

from spinlab.clock import Clock, Stall
from spinlab.errors import Deadlock, RunFailed
from spinlab.interruption import Interruption

Document = dict[str, Any]
Recorder = Callable[[str, Document], Iterable[tuple[str, Document]]]

PRIVATE = (
    "_abort_coro",
    "_close_run_trace",
    "_exception",
    "_input",
    "_pardon_failures",
    "_reason",
    "_run_permit",
    "_run_tracing_spans",
    "_state_lock",
    "_status_object_completed",
    "_status_objs",
    "_task",
    "_task_fut",
    "_wait",
    "_wait_for",
)
AT_REST = ("idle", "paused", "panicked")
PATIENCE_S = 86400.0
"""How long a suspended plan may wait for a background timer (a watcher) before that is a deadlock."""


# Bluesky's engine is half typed and says None of what it fills in later; here it is what it is at run time.
_RunEngine: Any = RunEngine


class QuietWait(DuringTask):
    """Waits for the plan in short steps, so that signals act at once; never starts a window system's loop."""

    def __init__(self) -> None:
        """Nothing to prepare."""

    def block(self, blocking_event: threading.Event) -> None:
        """Return when the event is set."""
        while not blocking_event.wait(0.1):
            pass


class LabEngine(_RunEngine):  # type: ignore[misc]
    """A RunEngine on the loop of ``clock``.

    - The clock's permit is held while a plan runs or is suspended, not when it is paused or idle.
    - Documents carry the clock's time. Each goes through ``recorder(name, doc)`` before anything else hears
      of it; what that returns is dispatched instead, in order. A recorder that raises fails the run.
    - A plan that waits for what cannot happen any more fails with :class:`Deadlock`; one that uses up its
      budget of virtual time, or whose device raises in a timer, fails as well. Finalizers run.
    - Ctrl-C ends the run now (see :class:`Interruption`); ``interrupted_by`` tells the caller.
    - Bluesky's prints and its log go to the logger ``spinlab.engine``; what went wrong in Bluesky's own
      clean-up (a device that could not be stopped) is also kept in ``mishaps``.
    """

    def __init__(self, clock: Clock, *, recorder: Recorder | None = None, md: dict[str, Any] | None = None) -> None:
        self.clock = clock
        self.recorder = recorder
        self.interruption = Interruption(self._end_soon)
        self.mishaps: list[str] = []
        self._holding = False
        self._awaited: tuple[Any, ...] = ()
        self._waiting_since: float | None = None
        self._reasons: dict[str, str] = {}
        self._interruption_streams: set[str] = set()
        self._helpers: set[asyncio.Task[None]] = set()
        super().__init__(md, loop=clock.loop, context_managers=[self._call], during_task=QuietWait())
        self.log = ComposableLogAdapter(_own_logger(self.mishaps), {"RE": self})
        self.pause_msg = "the run was interrupted"
        self.record_interruptions = True
        self.state_hook = self._on_state
        clock.supervisor = self
        clock.loop.set_exception_handler(self._on_loop_error)

    @property
    def interrupted_by(self) -> str | None:
        """Who interrupted the last call ("Ctrl-C", "SIGTERM"), or None."""
        return self.interruption.by

    # -- ending a run --------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """Throw ``error`` into the plan, whatever it waits for; finalizers run. From any thread."""
        self.loop.call_soon_threadsafe(self._fail, error)

    def _fail(self, error: Exception) -> None:
        if self._task is None or self._task.done() or self.state == "idle":
            self.log.error("an error outside of any run: %r", error)
            return
        with self._state_lock:
            self._exception = error
        if self.state != "paused":
            self._task.cancel()

    def _end_soon(self, by: str) -> None:
        """Abort the run; called from a signal handler, which must not block."""
        self.loop.call_soon_threadsafe(self._help, self._end, by)

    async def _end(self, by: str) -> None:
        # Not yet begun: _on_state asks again. Paused: the caller has it. In its last clean-up: let it be.
        if self.state in ("running", "pausing", "suspending") and not self._pardon_failures.is_set():
            await self._abort_coro(f"interrupted by {by}")

    def _help(self, work: Callable[..., Any], *args: Any) -> None:
        """Start a short coroutine on the loop and keep it alive until it is done."""
        task = self.loop.create_task(work(*args))
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of the loop raised: the run that relies on it fails."""
        error = context.get("exception")
        if isinstance(error, Exception) and "handle" in context and self.state not in AT_REST:
            self._fail(error)
        else:
            loop.default_exception_handler(context)

    # -- time ----------------------------------------------------------------------------------------------

    def _on_state(self, new: str, old: str) -> None:
        if new in AT_REST:
            self._hold(False)
        elif old == "paused" and new != "running":
            # Aborting from a pause: time may move once the plan does, which is when abort() resumes the task.
            self._help(self._hold_when_resumed)
        else:
            if old == "idle":
                self.clock.begin_budget()
            self._hold(True)
            if new == "running" and self.interruption.pending:
                self._help(self._end, self.interruption.pending)  # before the plan gets to say anything

    async def _hold_when_resumed(self) -> None:
        await self._run_permit.wait()
        if self.state not in AT_REST:
            self._hold(True)

    def _hold(self, wanted: bool) -> None:
        if wanted and not self._holding:
            self.clock.acquire_permit()
        elif self._holding and not wanted:
            self.clock.release_permit()
        self._holding = wanted

    def overran(self, budget_s: float) -> None:
        """The clock's notice that the budget is used up."""
        self._fail(RunFailed(f"the run has used its budget of {budget_s:g} s of laboratory time"))

    def stalled(self, background: bool) -> Stall:
        """The clock says that a wait cannot end by itself: end it with an error naming what is awaited."""
        if self.state in AT_REST:
            return "stand"
        pending = [status for status in self._awaited if not status.done]
        if pending:
            self._end_waits(pending)
            return "ended"
        since = self._waiting_since
        if background and since is not None and self.clock.now() - since < PATIENCE_S:
            return "patient"
        what = "in one of its steps" if since is None else "for a suspender or another bare future"
        self._fail(Deadlock(f"the plan waits {what}, and {self._nothing_left()}"))
        return "ended"

    def _nothing_left(self) -> str:
        return f"nothing on the clock can bring it about any more ({self.clock.now():.3f} s into the session)"

    def _end_waits(self, pending: list[Any]) -> None:
        names = ", ".join(sorted(name_of(status) for status in pending))
        message = f"the plan waits for {names}, and {self._nothing_left()}"
        for status in pending:
            try:
                status.set_exception(Deadlock(message))
            except Exception as error:  # a foreign kind of status, or one that settles in a real thread
                self.log.debug("%r does not take an exception: %r", status, error)
                self._fail(Deadlock(message))

    async def _wait(self, msg: Msg) -> bool:
        group = msg.args[0] if msg.args else msg.kwargs["group"]
        self._awaited = tuple(self._status_objs.get(group, ()))
        try:
            return bool(await super()._wait(msg))
        finally:
            self._awaited = ()

    async def _wait_for(self, msg: Msg) -> Any:
        self._waiting_since = self.clock.now()
        try:
            return await super()._wait_for(msg)
        finally:
            self._waiting_since = None

    async def _input(self, msg: Msg) -> Any:
        with self.clock.standstill():  # a person answers in their own time
            return await super()._input(msg)

    # -- documents -----------------------------------------------------------------------------------------

    def emit_sync(self, name: DocumentNames, doc: Document) -> None:
        """Stamp the document, have it recorded, then tell the subscribers."""
        stamped = self._stamped(name.name, doc)
        for kind, each in self._recorded(name.name, stamped):
            self.dispatcher.process(DocumentNames[kind], each)

    def _recorded(self, kind: str, doc: Document) -> Iterable[tuple[str, Document]]:
        if self.recorder is None:
            return ((kind, doc),)
        try:
            return tuple(self.recorder(kind, doc))
        except Exception as error:
            if not self._in_plan():  # a monitor: nobody would hear of it otherwise
                self.fail(error)
            raise

    def _in_plan(self) -> bool:
        try:
            return asyncio.get_running_loop() is self.loop and asyncio.current_task() is self._task
        except RuntimeError:
            return False

    def _stamped(self, kind: str, doc: Document) -> Document:
        """A copy of the document with the clock's time (Bluesky's own is the computer's)."""
        now = self.clock.timestamp()
        if kind == "start":
            return {**doc, "time": now, "clock": self.clock.describe()}
        if kind == "stop":
            self._interruption_streams.clear()
            return {**doc, "time": now, "reason": self._reason_of(doc)}
        if kind == "descriptor":
            if doc.get("name") == "interruptions":
                self._interruption_streams.add(doc["uid"])
            return {**doc, "time": now}
        if kind == "event_page":
            return {**doc, "time": [now] * len(doc["time"])}
        if kind == "event":
            return {**doc, "time": now, **self._interruption_times(doc, now)}
        return doc

    def _reason_of(self, stop: Document) -> str:
        """Bluesky loses the reason when the plan closes an aborted run, and the cause of a failed status."""
        reason = str(stop["reason"] or (self._reason if stop["exit_status"] == "abort" else ""))
        return self._reasons.get(reason, reason)

    def _interruption_times(self, doc: Document, now: float) -> Document:
        """Bluesky stamps the readings of its interruptions stream itself; those of devices are their own."""
        if doc["descriptor"] not in self._interruption_streams:
            return {}
        return {"timestamps": dict.fromkeys(doc["timestamps"], now)}

    def _status_object_completed(self, ret: Any, fut: asyncio.Future[Any], pardon_failures: Any) -> None:
        super()._status_object_completed(ret, fut, pardon_failures)
        if not ret.success:  # the text that Bluesky will close the run with names no cause
            self._reasons[str(FailedStatus(ret))] = failure_of(ret)

    def _close_run_trace(self, msg: Msg) -> None:
        if self._run_tracing_spans:  # else an abort has ended them, of which Bluesky warns on standard error
            super()._close_run_trace(msg)

    # -- calls ---------------------------------------------------------------------------------------------

    @contextmanager
    def _call(self, _engine: RunEngine) -> Iterator[None]:
        """Around every stretch of running, from the call or resume to the pause or end."""
        self._reasons.clear()
        with prints_to(self.log), self.interruption:  # resume() and abort() come here too
            yield
        if self._task_fut is not None and self._task_fut.done() and self.state not in AT_REST:
            raise RunFailed("the run could not finish its clean-up: the engine cannot be used any more")

    def __call__(self, plan: Any, *args: Any, **metadata: Any) -> Any:
        """As Bluesky's, without its prints."""
        try:
            with prints_to(self.log):
                return super().__call__(plan, *args, **metadata)
        finally:
            if self.state == "idle" and isinstance(plan, Plan):
                cast(Any, plan).close()  # one that was interrupted before it began would warn that it was forgotten

    def abort(self, reason: str = "") -> Any:
        """As Bluesky's, without its prints."""
        with prints_to(self.log):
            return super().abort(reason)

    def stop(self) -> Any:
        """As Bluesky's, without its prints."""
        with prints_to(self.log):
            return super().stop()

    def halt(self) -> Any:
        """As Bluesky's, without its prints."""
        with prints_to(self.log):
            return super().halt()


def explain(error: BaseException) -> str:
    """One line for an exception that came out of a run: names the status that failed, and why."""
    if isinstance(error, FailedStatus) and error.args and hasattr(error.args[0], "exception"):
        return failure_of(error.args[0])
    return str(error) or type(error).__name__


def failure_of(status: Any) -> str:
    """Why a failed status failed, with its name."""
    cause = status.exception(timeout=0)
    text = str(cause) or type(cause).__name__
    name = name_of(status)
    return text if name in text else f"{name}: {text}"


def name_of(status: Any) -> str:
    """What people know a status by: owner and purpose, its device, the parts of a combined one, its repr."""
    if hasattr(status, "owner") and hasattr(status, "what"):
        return f"{status.owner}: {status.what}"
    if hasattr(status, "left") and hasattr(status, "right"):
        return " and ".join(name_of(part) for part in (status.left, status.right) if not part.success)
    device = getattr(status, "obj", None) or getattr(status, "device", None)
    name = getattr(device, "name", "")
    return f"{name}: {type(status).__name__}" if name else repr(status)


@contextmanager
def prints_to(log: logging.LoggerAdapter[Any]) -> Iterator[None]:
    """What Bluesky's engine and suspenders print goes to ``log``: standard output is the command's."""

    def write(*words: object, **_: object) -> None:
        log.info("%s", " ".join(map(str, words)))

    modules = [vars(bluesky.run_engine), vars(bluesky.suspenders)]
    before = [names.get("print", print) for names in modules]
    for names in modules:
        names["print"] = write
    try:
        yield
    finally:
        for names, old in zip(modules, before, strict=True):
            names["print"] = old


class _Mishaps(logging.Handler):
    """Keeps errors of Bluesky's clean-up; that a run was aborted is told by the exception already."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg != "Run aborted":
            error = record.exc_info[1] if record.exc_info else None
            self._kept.append(record.getMessage() + (f" ({error!r})" if error else ""))


def _own_logger(mishaps: list[str]) -> logging.Logger:
    """An engine's logger: hands on to ``spinlab.engine``; its handler keeps tracebacks off standard error."""
    logger = logging.Logger("spinlab.engine")
    logger.parent = logging.getLogger("spinlab.engine")
    logger.addHandler(_Mishaps(mishaps))
    return logger
