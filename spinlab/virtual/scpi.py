"""SCPI-99 / IEEE 488.2 instruments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from spinlab.virtual.commands import command, query
from spinlab.virtual.common import CommonCommands
from spinlab.virtual.headers import HeaderTree
from spinlab.virtual.instrument import Call
from spinlab.virtual.parameters import Integer
from spinlab.virtual.splitting import split
from spinlab.virtual.status import CommandFailed

WORD = Integer(0, 65535)
REGISTERS = {"OPER": "OPERation", "QUES": "QUEStionable", "MEAS": "MEASurement"}


class ScpiInstrument(CommonCommands):
    """An instrument that speaks SCPI: header tree, common commands, status registers, error queue.

    After a command error (-1xx) the rest of the message is dropped, after an execution error only that command.
    ``options`` is what *OPT? answers.
    """

    options: ClassVar[str] = "0"
    headers: ClassVar[HeaderTree]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.headers = HeaderTree(cls.commands)

    def parse(self, message: str) -> Iterator[Call]:
        """Yield the calls of a message; the path of a relative header is where the one before it ended."""
        path = self.headers.root
        for unit in split(message, ";") if ";" in message else (message,):
            if not unit:
                continue
            header, _, rest = unit.partition(" ")
            if "\t" in header:
                header, _, more = unit.partition("\t")
                rest = more
            found = self.headers.find(path, header)
            if found.path is not None:
                path = found.path
            rest = rest.strip()
            yield found.command, found.suffixes, split(rest, ",") if rest else []

    def fail(self, failure: CommandFailed) -> None:
        """Put the error into the queue."""
        self.status.error(failure.code, failure.text)

    def error_text(self, code: int, text: str) -> str:
        """Write an entry of the error queue."""
        return f'{code},"{text}"'

    @query("*OPT")
    def _installed_options(self) -> str:
        return self.options

    # --- SYSTem and STATus

    @query("SYSTem:ERRor[:NEXT]")
    @query("STATus:QUEue[:NEXT]")
    def _next_error(self) -> str:
        return self.error_text(*self.status.errors.pop())

    @query("SYSTem:ERRor:ALL")
    def _all_errors(self) -> str:
        return ",".join(self.error_text(*entry) for entry in self._drained())

    @query("SYSTem:ERRor:CODE[:NEXT]")
    def _next_code(self) -> int:
        return self.status.errors.pop()[0]

    @query("SYSTem:ERRor:CODE:ALL")
    def _all_codes(self) -> str:
        return ",".join(str(code) for code, _ in self._drained())

    def _drained(self) -> list[tuple[int, str]]:
        errors = self.status.errors
        return [errors.pop() for _ in range(max(1, len(errors.entries)))]

    @query("SYSTem:ERRor:COUNt")
    def _error_count(self) -> int:
        return len(self.status.errors.entries)

    @command("STATus:QUEue:CLEar")
    @command("SYSTem:CLEar")
    def _clear_errors(self) -> None:
        self.status.errors.entries.clear()

    @query("SYSTem:VERSion")
    def _scpi_version(self) -> str:
        return "1999.0"

    @command("STATus:PRESet")
    def _preset_status(self) -> None:
        self.status.preset()

    @query("STATus:{over}[:EVENt]", over=REGISTERS)
    def _register_event(self, name: str) -> int:
        return self.status.registers[name].read()

    @query("STATus:{over}:CONDition", over=REGISTERS)
    def _register_condition(self, name: str) -> int:
        return self.status.registers[name].condition

    @command("STATus:{over}:ENABle", WORD, over=REGISTERS)
    def _enable_register(self, name: str, mask: int) -> None:
        self.status.registers[name].enable = mask

    @query("STATus:{over}:ENABle", over=REGISTERS)
    def _enabled_register(self, name: str) -> int:
        return self.status.registers[name].enable

    @command("STATus:{over}:PTRansition", WORD, over=REGISTERS)
    def _report_rising(self, name: str, mask: int) -> None:
        self.status.registers[name].rising = mask

    @query("STATus:{over}:PTRansition", over=REGISTERS)
    def _reported_rising(self, name: str) -> int:
        return self.status.registers[name].rising

    @command("STATus:{over}:NTRansition", WORD, over=REGISTERS)
    def _report_falling(self, name: str, mask: int) -> None:
        self.status.registers[name].falling = mask

    @query("STATus:{over}:NTRansition", over=REGISTERS)
    def _reported_falling(self, name: str) -> int:
        return self.status.registers[name].falling
