"""IEEE 488.2 / SCPI-99 status reporting: the error queue, the event registers, the status byte."""

from __future__ import annotations

from collections import deque

MESSAGES = {
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -123: "Exponent too large",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -151: "Invalid string data",
    -161: "Invalid block data",
    -200: "Execution error",
    -211: "Trigger ignored",
    -212: "Arm ignored",
    -213: "Init ignored",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -230: "Data corrupt or stale",
    -240: "Hardware error",
    -241: "Hardware missing",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
}

OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128
MEASUREMENT_SUMMARY, ERROR_AVAILABLE, QUESTIONABLE_SUMMARY, MESSAGE_AVAILABLE = 1, 4, 8, 16
EVENT_SUMMARY, REQUEST_SERVICE, OPERATION_SUMMARY = 32, 64, 128


class CommandFailed(Exception):
    """Raised by whatever handles a message: the SCPI number of what is wrong, with the instrument's own text if any."""

    def __init__(self, code: int, text: str | None = None) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = MESSAGES.get(code, "Device-specific error") if text is None else text

    @property
    def is_syntax(self) -> bool:
        """Whether the parser lost its place, so that the rest of the message cannot be trusted."""
        return -200 < self.code <= -100


def event_bit(code: int) -> int:
    """Return the bit of the standard event register that an error number sets (SCPI-99, 21.8)."""
    if code <= -1000:
        return COMMAND_ERROR
    if -500 < code <= -100:
        return {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR}[-code // 100]
    return DEVICE_ERROR


class ErrorQueue:
    """First in, first out; when it is full the newest entry is replaced by -350."""

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.entries: deque[tuple[int, str]] = deque()

    def push(self, code: int, text: str) -> None:
        """Remember an error, or that there were too many."""
        if len(self.entries) < self.size:
            self.entries.append((code, text))
        else:
            self.entries[-1] = (-350, MESSAGES[-350])

    def pop(self) -> tuple[int, str]:
        """Return and forget the oldest entry; (0, "No error") when there is none."""
        return self.entries.popleft() if self.entries else (0, "No error")


class EventRegister:
    """A condition register, the transitions it reports, and the event and enable registers behind it (16 bits)."""

    def __init__(self) -> None:
        self.condition = 0
        self.event = 0
        self.enable = 0
        self.rising = 0x7FFF
        self.falling = 0

    def update(self, condition: int) -> None:
        """Set the condition; the transitions that are looked for are latched as events."""
        up = condition & ~self.condition & self.rising
        down = self.condition & ~condition & self.falling
        self.event |= up | down
        self.condition = condition

    def read(self) -> int:
        """Return the events and clear them."""
        event, self.event = self.event, 0
        return event

    def preset(self) -> None:
        """Undo everything STATus:PRESet undoes: filters and enable, not the events."""
        self.enable, self.rising, self.falling = 0, 0x7FFF, 0

    @property
    def summary(self) -> bool:
        """Whether an enabled event is waiting."""
        return bool(self.event & self.enable)


class Status:
    """The whole reporting structure of one instrument."""

    def __init__(self) -> None:
        self.errors = ErrorQueue()
        self.standard = EventRegister()
        self.standard.event = POWER_ON
        self.registers = {name: EventRegister() for name in ("OPER", "QUES", "MEAS")}
        self.service_enable = 0
        self._reported = 0

    def error(self, code: int, text: str) -> None:
        """Put an error into the queue and its class into the standard event register."""
        self.errors.push(code, text)
        self.standard.event |= event_bit(code)

    def clear(self) -> None:
        """Do what *CLS does: empty the queue and every event register."""
        self.errors.entries.clear()
        self.standard.event = 0
        for register in self.registers.values():
            register.event = 0

    def preset(self) -> None:
        """Do what STATus:PRESet does."""
        for register in self.registers.values():
            register.preset()

    def byte(self, message_available: bool = False) -> int:
        """Return the status byte with the master summary in bit 6, as *STB? shows it."""
        summary = MESSAGE_AVAILABLE if message_available else 0
        summary |= ERROR_AVAILABLE if self.errors.entries else 0
        summary |= EVENT_SUMMARY if self.standard.summary else 0
        summary |= OPERATION_SUMMARY if self.registers["OPER"].summary else 0
        summary |= QUESTIONABLE_SUMMARY if self.registers["QUES"].summary else 0
        summary |= MEASUREMENT_SUMMARY if self.registers["MEAS"].summary else 0
        return summary | (REQUEST_SERVICE if summary & self.service_enable else 0)

    def poll(self, message_available: bool = False) -> int:
        """Return the status byte of a serial poll: bit 6 is RQS and goes down until a new reason comes up."""
        byte = self.byte(message_available) & ~REQUEST_SERVICE
        reasons = byte & self.service_enable
        fresh = reasons & ~self._reported
        self._reported = reasons
        return byte | (REQUEST_SERVICE if fresh else 0)

    def wants_service(self, message_available: bool = False) -> bool:
        """Whether the service request line is pulled."""
        return bool(self.byte(message_available) & self.service_enable & ~self._reported)
