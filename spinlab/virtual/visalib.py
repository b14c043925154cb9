"""PyVISA back end: pyvisa-sim, with Python instruments behind the addresses that a bench claims.

Two ways in::

    pyvisa.ResourceManager("…/sims/bench.yaml@spinlab")                    # any VISA script, on the wall clock
    pyvisa.ResourceManager(SpinlabVisaLibrary.for_bench(path, instruments, clock))    # a session, on its own clock

Devices that the file defines in pyvisa-sim's own terms answer beside them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pyvisa import constants, errors, rname
from pyvisa.typing import VISAEventContext, VISARMSession, VISASession
from pyvisa.util import LibraryPath
from pyvisa_sim import parser
from pyvisa_sim.devices import Devices
from pyvisa_sim.highlevel import SimVisaLibrary

from spinlab.virtual.instrument import Instrument
from spinlab.virtual.labfile import LabFile
from spinlab.virtual.visasession import BusClock, InstrumentSession

Status = constants.StatusCode
_POLL = 1e-3  # s between two looks at the service request line
_RECEIVED = (
    constants.BufferOperation.discard_read_buffer
    | constants.BufferOperation.discard_read_buffer_no_io
    | constants.BufferOperation.discard_receive_buffer
    | constants.BufferOperation.discard_receive_buffer2
)


class BenchPath(LibraryPath):
    """The path of a definition file together with the bench that answers; no two are equal.

    PyVISA keeps one library per class and path for the whole process; two sessions must never share one.
    """

    instruments: Mapping[str, Instrument]
    clock: BusClock

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class SpinlabVisaLibrary(SimVisaLibrary):  # type: ignore[misc]  # pyvisa-sim is untyped
    """A VISA library whose resources are virtual instruments and stock pyvisa-sim devices."""

    instruments: dict[str, Instrument]
    clock: BusClock

    @classmethod
    def for_bench(
        cls, yaml_path: str | Path, instruments: Mapping[str, Instrument], clock: BusClock
    ) -> SpinlabVisaLibrary:
        """Return a fresh library for the bench ``instruments`` (by role), at the addresses the file gives them."""
        path = BenchPath(str(yaml_path), "bench")
        path.instruments, path.clock = instruments, clock
        return cls(path)

    def _init(self) -> None:
        self.sessions: dict[int, Any] = {}
        self._handles = itertools.count(1)
        self.instruments = {}
        if self.library_path == "unset":
            self.devices = Devices()
            return
        path = Path(self.library_path)
        lab = LabFile.read(path)
        self.devices = parser.get_devices(str(path), False)
        if isinstance(self.library_path, BenchPath):
            self.clock = self.library_path.clock
            self.instruments = lab.resources(self.library_path.instruments) if lab else {}
        elif lab is not None:
            from spinlab.clock import WallClock

            clock = WallClock()
            self.clock = clock
            self.instruments = lab.resources(lab.open_bench(clock).instruments)

    def _register(self, obj: object) -> Any:
        handle = next(self._handles)
        self.sessions[handle] = obj
        return handle

    # --- opening

    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: Any = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[VISASession, constants.StatusCode]:
        """Open a session on an instrument of the bench or on a device of the file; raises VisaIOError for neither."""
        try:
            parsed = rname.parse_resource_name(resource_name)
        except rname.InvalidResourceName:
            raise errors.VisaIOError(Status.error_invalid_resource_name.value) from None
        instrument = self.instruments.get(str(parsed))
        if instrument is not None:
            opened = InstrumentSession(session, resource_name, parsed, instrument, self.clock)
            return self._register(opened), Status.success
        try:
            handle, status = super().open(session, resource_name, access_mode, open_timeout)
        except ValueError:  # stock raises this for kinds of resources that it does not know
            raise errors.VisaIOError(Status.error_resource_not_found.value) from None
        if status < 0:  # stock returns it, and PyVISA would go on with a session that is none
            raise errors.VisaIOError(status.value)
        return handle, status

    def list_resources(self, session: VISARMSession, query: str = "?*::INSTR") -> tuple[str, ...]:
        """Return the addresses of the bench and of the file that match."""
        known = dict.fromkeys((*self.instruments, *self.devices.list_resources()))
        matching = rname.filter(known, query)
        if not matching:
            raise errors.VisaIOError(Status.error_resource_not_found.value)
        return tuple(matching)

    # --- exchanging

    def read(self, session: VISASession, count: int) -> tuple[bytes, constants.StatusCode]:
        """Read up to ``count`` bytes; raises VisaIOError on a time-out."""
        on = self.sessions.get(session)
        if not isinstance(on, InstrumentSession):
            return cast("tuple[bytes, constants.StatusCode]", super().read(session, count))
        data, status = on.read(count)
        self._last_status = status
        self._last_status_in_session[session] = status
        if status < 0:
            raise errors.VisaIOError(status.value)
        return data, status

    def read_stb(self, session: VISASession) -> tuple[int, constants.StatusCode]:
        """Poll the status byte; a device of the file has none."""
        on = self.sessions.get(session)
        if isinstance(on, InstrumentSession):
            return on.read_stb(), Status.success
        return 0, self._not_for(on)

    def clear(self, session: VISASession) -> constants.StatusCode:
        """Clear the device."""
        on = self.sessions.get(session)
        if isinstance(on, InstrumentSession):
            on.clear()
            return Status.success
        return self._not_for(on)

    def flush(self, session: VISASession, mask: constants.BufferOperation) -> constants.StatusCode:
        """Drop what was received and not read (nothing waits to be sent)."""
        on = self.sessions.get(session)
        if isinstance(on, InstrumentSession) and mask & _RECEIVED:
            on.flush()
        return Status.success

    def assert_trigger(self, session: VISASession, protocol: constants.TriggerProtocol) -> constants.StatusCode:
        """Trigger over the bus."""
        on = self.sessions.get(session)
        if isinstance(on, InstrumentSession):
            on.assert_trigger()
            return Status.success
        return self._not_for(on)

    @staticmethod
    def _not_for(on: object) -> constants.StatusCode:
        return Status.error_invalid_object if on is None else Status.error_nonsupported_operation

    # --- locks: there is one process, and the clock's lock keeps exchanges whole

    def lock(
        self, session: VISASession, lock_type: constants.Lock, timeout: int, requested_key: str | None = None
    ) -> tuple[str, constants.StatusCode]:
        """Grant every lock."""
        return requested_key or "", Status.success

    def unlock(self, session: VISASession) -> constants.StatusCode:
        """Take a lock back."""
        return Status.success

    # --- events: the service request, found by polling

    def enable_event(
        self,
        session: VISASession,
        event_type: constants.EventType,
        mechanism: constants.EventMechanism,
        context: None = None,
    ) -> constants.StatusCode:
        """Accept service requests."""
        supported = (constants.EventType.service_request, constants.EventType.all_enabled)
        return Status.success if event_type in supported else Status.error_invalid_event

    def disable_event(
        self, session: VISASession, event_type: constants.EventType, mechanism: constants.EventMechanism
    ) -> constants.StatusCode:
        """Accept none."""
        return Status.success

    def discard_events(
        self, session: VISASession, event_type: constants.EventType, mechanism: constants.EventMechanism
    ) -> constants.StatusCode:
        """Forget what was queued; nothing is, the line is looked at when somebody waits."""
        return Status.success

    def wait_on_event(
        self, session: VISASession, in_event_type: constants.EventType, timeout: int
    ) -> tuple[constants.EventType, VISAEventContext, constants.StatusCode]:
        """Wait up to ``timeout`` ms of laboratory time for a service request; raises VisaIOError when none comes."""
        on = self.sessions.get(session)
        if not isinstance(on, InstrumentSession) or in_event_type != constants.EventType.service_request:
            raise errors.VisaIOError(Status.error_invalid_event.value)
        end = self.clock.now() + timeout / 1000
        while not on.wants_service():
            if self.clock.now() >= end:
                raise errors.VisaIOError(Status.error_timeout.value)
            self.clock.spend(_POLL)
        return in_event_type, VISAEventContext(self._register(in_event_type)), Status.success
