"""The common commands of IEEE 488.2, which SCPI and the four-letter dialects share."""

from __future__ import annotations

from spinlab.virtual.commands import command, query
from spinlab.virtual.instrument import Instrument, Wait
from spinlab.virtual.parameters import Integer
from spinlab.virtual.schedule import Schedule, Ticket
from spinlab.virtual.status import OPERATION_COMPLETE, Status

BYTE = Integer(0, 255)


class CommonCommands(Instrument):
    """An instrument with the standard status structure and the ``*XXX`` commands."""

    def __init__(self, schedule: Schedule) -> None:
        self.status = Status()
        self._completion: Ticket | None = None
        super().__init__(schedule)

    def serial_poll(self, message_available: bool) -> int:
        """Return the status byte of a serial poll."""
        return self.status.poll(message_available)

    def wants_service(self, message_available: bool) -> bool:
        """Whether the service request line is pulled."""
        return self.status.wants_service(message_available)

    def power_cycle(self) -> None:
        """Start anew: settings as after *RST, nothing in the queues, the power-on bit set."""
        super().power_cycle()
        self.status = Status()

    def finished_at(self) -> float:
        """Return when everything that was started will be done, s; *OPC and *WAI wait for it."""
        return float("-inf")

    @query("*IDN")
    def _identify(self) -> str:
        return self.identity

    @command("*RST")
    def _reset(self) -> None:
        self._forget_completion()
        self.reset()

    @command("*CLS")
    def _clear_status(self) -> None:
        self._forget_completion()
        self.status.clear()

    @command("*ESE", BYTE)
    def _enable_events(self, mask: int) -> None:
        self.status.standard.enable = mask

    @query("*ESE")
    def _enabled_events(self) -> int:
        return self.status.standard.enable

    @query("*ESR")
    def _events(self) -> int:
        return self.status.standard.read()

    @command("*SRE", BYTE)
    def _enable_service(self, mask: int) -> None:
        self.status.service_enable = mask & ~64

    @query("*SRE")
    def _enabled_service(self) -> int:
        return self.status.service_enable

    @query("*STB")
    def _status_byte(self) -> int:
        return self.status.byte()

    @command("*OPC")
    def _note_completion(self) -> None:
        self._forget_completion()
        self._completion = self.schedule.at(max(self.finished_at(), self.now), self._completed)
        self.schedule.catch_up()

    def _completed(self, _: float) -> None:
        self._completion = None
        self.status.standard.event |= OPERATION_COMPLETE

    def _forget_completion(self) -> None:
        if self._completion is not None:
            self._completion.cancel()
            self._completion = None

    def device_clear(self) -> None:
        """Forget what is half done, an *OPC that waits included (IEEE 488.2, 5.8)."""
        super().device_clear()
        self._forget_completion()

    @query("*OPC")
    def _await_completion(self) -> Wait:
        return Wait(self.finished_at(), lambda: 1)

    @command("*WAI")
    def _wait(self) -> Wait:
        return Wait(self.finished_at())

    @query("*TST")
    def _self_test(self) -> int:
        return 0

    @command("*TRG")
    def _bus_trigger(self) -> None:
        self.trigger()
