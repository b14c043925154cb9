"""SRS DG645 digital delay generator: delays, pulses, bursts, prescalers (DG645 user manual)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sims.waveform import UNSEEN
from spinlab.virtual.commands import IndexedSetting, command, query, setting
from spinlab.virtual.formats import shortest
from spinlab.virtual.parameters import Bare, Boolean, Integer, Number
from spinlab.virtual.schedule import Schedule, Ticket
from spinlab.virtual.setups import SavedSetups
from spinlab.virtual.srs import NO_SUCH_QUERY, NO_SUCH_SET, SrsInstrument
from spinlab.virtual.status import CommandFailed

Listener = Callable[[float, bool], None]

T0, T1, CHANNELS = 0, 1, 10  # T0, T1, A … H
OUTPUTS = ("T0", "AB", "CD", "EF", "GH")
TICK = 5e-12  # s
LONGEST = round(2000 / TICK)
INTERNAL, LINE = 0, 6
RISING, FALLING, SINGLE_RISING, SINGLE_FALLING, SINGLE = 1, 2, 3, 4, 5
ILLEGAL_VALUE, ILLEGAL_MODE, ILLEGAL_DELAY, ILLEGAL_LINK = 10, 11, 12, 13
TRIGGERED, RATE_ERROR, END_OF_DELAY, END_OF_BURST = 1, 2, 4, 8
BUSY, BURSTING = 2, 4  # status byte
_CHANNEL = Integer(0, CHANNELS - 1)
_OUTPUT = Integer(0, len(OUTPUTS) - 1)
_STEP = Number(0.0, 1e7)
_STEPPED = {"HD": "HOLD", "TR": "TRAT", "TL": "TLVL", "BC": "BURC", "BD": "BURD", "BP": "BURP"}  # SPHD steps HOLD …
_STEPPED_EACH = {"DL": "DLAY", "LA": "LAMP", "LO": "LOFF", "PS": "PRES", "PH": "PHAS"}
_SCALARS, _ARRAYS = ({name: name for name in names} for names in (_STEPPED, _STEPPED_EACH))
_INTERFACES = (
    "1", "9600", "1", "15", "1", "0", "0", "1", "1", "1", "1", "192.168.10.15", "255.255.255.0", "0.0.0.0",
)  # fmt: skip


def seconds(ticks: int) -> float:
    """Return a delay in s; it is kept in ticks of 5 ps, so that sums are exact."""
    return ticks * 5 / 1e12


class DG645(SavedSetups, SrsInstrument):
    """The generator. ``connect("AB", listener)``: listener(time_s, electrical_high) hears of every edge of an output.

    A trigger at *t* starts a delay cycle: output AB is active from t + A to t + B, not at all when A = B; T0 is active
    for the whole cycle. A trigger during a cycle is ignored and sets the RATE bit of INSR?. Prescalers and the trigger
    holdoff work in advanced triggering mode only (ADVT 1), as on the box; an output with prescale n fires when
    (cycle + phase) mod n = 0, cycles counted from the start of the burst (without burst mode: since *RST, or since a
    prescaler was set). The trigger's own prescaler, number 0, divides external and internal triggers.

    Cycles of the internal trigger or of a burst that have piled up before anybody looked (hours of a kilohertz) are left
    out but for the first and the last; counts go on as if they had been.
    """

    identity = "Stanford Research Systems,DG645,s/n003412,ver1.28.133"
    number_format = staticmethod(shortest)
    error_numbers: ClassVar = {
        -100: 110, -102: 126, -113: 111, NO_SUCH_QUERY: 112, NO_SUCH_SET: 113, -109: 116, -108: 115, -363: 171,
        -104: 118, -120: 118, -123: 118, -131: 127, -141: 118, -224: ILLEGAL_VALUE, -151: 126, -161: 122,
        -222: ILLEGAL_VALUE, -221: ILLEGAL_MODE, -410: 30, -420: 32, -430: 30,
    }  # fmt: skip

    source = setting("TSRC", Integer(INTERNAL, LINE), SINGLE)
    rate = setting("TRAT", Number(1e-4, 1e7), 1000.0)
    threshold = setting("TLVL", Number(-3.5, 3.5), 1.0)
    advanced = setting("ADVT", Boolean(), False)
    holdoff = setting("HOLD", Number(0.0, 2000.0), 0.0)
    inhibit = setting("INHB", Integer(0, 5), 0)
    burst = setting("BURM", Boolean(), False)
    burst_count = setting("BURC", Integer(1, 2**32 - 1), 5)
    burst_period = setting("BURP", Number(1e-7, 2000.0 - 1e-8), 1e-4)
    burst_delay = setting("BURD", Number(0.0, 2000.0), 0.0)
    burst_first_only = setting("BURT", Boolean(), False)
    display_on = setting("SHDP", Boolean(), True)
    interfaces = IndexedSetting(
        "IFCF", Integer(0, 13), range(14), (Bare(longest=15),), {i: (value,) for i, value in enumerate(_INTERFACES)}
    )
    ethernet = IndexedSetting("EPHY", Integer(0, 1), range(2), (Integer(0, 3),), (1,))
    kept = ("_links", "_delays", "_amplitudes", "_offsets", "_prescale", "_phase", "_positive")
    locations = range(10)
    saved = range(1, 10)

    def __init__(self, schedule: Schedule) -> None:
        self._listeners: dict[str, list[Listener]] = {output: [] for output in OUTPUTS}
        self._active = dict.fromkeys(OUTPUTS, False)
        self._positive = [True] * len(OUTPUTS)
        self._errors: list[int] = []
        self._booked: list[Ticket] = []
        self._generation = 0
        super().__init__(schedule)

    def reset(self) -> None:
        """*RST: single trigger, all delays zero, outputs 2.5 V positive, no burst, no prescaling."""
        self._stop()
        self._new_generation()
        super().reset()
        self._links = [T0] * CHANNELS
        self._delays = [0] * CHANNELS
        self._amplitudes = [2.5] * len(OUTPUTS)
        self._offsets = [0.0] * len(OUTPUTS)
        self._prescale = [1] * len(OUTPUTS)
        self._phase = [0] * len(OUTPUTS)
        self._steps: dict[tuple[str, int], float] = {}
        self._triggers = 0
        self._shown = (0, 0)
        self._armed = False
        self._cycle = 0
        self._busy_until = self._held_until = float("-inf")
        now = self.now
        for index in range(len(OUTPUTS)):
            self._turn(index, positive=True, time=now)

    # --- wires

    def connect(self, output: str, listener: Listener) -> None:
        """Connect a listener to an output: ``T0``, ``AB``, ``CD``, ``EF`` or ``GH``. It is not called at once."""
        self._listeners[output].append(listener)

    def level(self, output: str) -> bool:
        """Return whether an output is electrically high now."""
        return self._active[output] == self._positive[OUTPUTS.index(output)]

    def restore(self, setup: dict[str, Any]) -> None:
        """Take a setup over; what runs is cut short, and outputs whose polarity changes say so."""
        self._stop()
        before = self._positive
        super().restore(setup)
        after, self._positive = self._positive, before
        for output, positive in enumerate(after):
            self._turn(output, positive, self.now)

    def recalled(self) -> None:
        """Let the trigger source be that of the setup."""
        self.setting_changed("source")

    def external_edge(self, time: float, rising: bool) -> None:
        """An edge arrives at the trigger input at ``time`` (s)."""
        every, single = (RISING, SINGLE_RISING) if rising else (FALLING, SINGLE_FALLING)
        if self.source not in (every, single) or not self._passes_prescaler():
            return
        if self.source == every or self._armed:
            self._armed = False
            self._fire(time)

    def trigger(self) -> None:
        """*TRG: fire in single-shot mode, arm the externally triggered single-shot modes."""
        if self.source == SINGLE:
            self._fire(self.now)
            self.schedule.catch_up()
        elif self.source in (SINGLE_RISING, SINGLE_FALLING):
            self._armed = True
        else:
            raise CommandFailed(ILLEGAL_MODE)

    # --- delays

    @command("DLAY", _CHANNEL, _CHANNEL, Number())
    def _set_delay(self, channel: int, reference: int, delay: float) -> None:
        if not abs(delay) <= 2000:
            raise CommandFailed(ILLEGAL_DELAY)
        self._place(channel, reference, round(delay / TICK))

    @query("DLAY", _CHANNEL)
    def _get_delay(self, channel: int) -> str:
        ticks = self._delays[channel]
        whole, picoseconds = divmod(abs(ticks) * 5, 10**12)
        return f"{self._links[channel]},{'-' if ticks < 0 else '+'}{whole}.{picoseconds:012d}"

    @command("LINK", _CHANNEL, _CHANNEL)
    def _set_link(self, channel: int, reference: int) -> None:
        self._place(channel, reference, self._delays[channel])

    @query("LINK", _CHANNEL)
    def _get_link(self, channel: int) -> int:
        return self._links[channel]

    def _place(self, channel: int, reference: int, ticks: int) -> None:
        """Set a delay after checking that every channel still comes 0 to 2000 s after T0."""
        if channel in (T0, T1) or reference == T1:
            raise CommandFailed(ILLEGAL_LINK)
        links, delays = self._links.copy(), self._delays.copy()
        links[channel], delays[channel] = reference, ticks
        if not all(0 <= total <= LONGEST for total in totals(links, delays)):
            raise CommandFailed(ILLEGAL_DELAY)
        self._links, self._delays = links, delays

    # --- outputs

    @command("LPOL", _OUTPUT, Boolean())
    def _set_polarity(self, output: int, positive: bool) -> None:
        self._turn(output, positive, self.now)

    @query("LPOL", _OUTPUT)
    def _get_polarity(self, output: int) -> bool:
        return self._positive[output]

    @command("LAMP", _OUTPUT, Number(0.5, 5.0))
    def _set_amplitude(self, output: int, volts: float) -> None:
        self._amplitudes[output] = volts

    @query("LAMP", _OUTPUT)
    def _get_amplitude(self, output: int) -> float:
        return self._amplitudes[output]

    @command("LOFF", _OUTPUT, Number(-2.0, 2.0))
    def _set_offset(self, output: int, volts: float) -> None:
        self._offsets[output] = volts

    @query("LOFF", _OUTPUT)
    def _get_offset(self, output: int) -> float:
        return self._offsets[output]

    @command("PRES", _OUTPUT, Integer(1, 2**30 - 1))
    def _set_prescale(self, output: int, factor: int) -> None:
        self._prescale[output], self._cycle, self._triggers = factor, 0, 0

    @query("PRES", _OUTPUT)
    def _get_prescale(self, output: int) -> int:
        return self._prescale[output]

    @command("PHAS", Integer(1, 4), Integer(0, 2**31 - 1))
    def _set_phase(self, output: int, phase: int) -> None:
        self._phase[output], self._cycle = phase, 0

    @query("PHAS", Integer(1, 4))
    def _get_phase(self, output: int) -> int:
        return self._phase[output]

    # --- steps of the cursor keys

    @command("SS{over}", _STEP, over=_SCALARS)
    def _set_step(self, name: str, size: float) -> None:
        self._steps[name, 0] = size

    @query("SS{over}", over=_SCALARS)
    def _get_step(self, name: str) -> float:
        return self._steps.get((name, 0), 1.0)

    @command("SP{over}", Boolean(), over=_SCALARS)
    def _step(self, name: str, up: bool) -> None:
        header, size = _STEPPED[name], self._get_step(name)
        value = float(self.mnemonics[header + "?"].call(self, (), []))
        self.mnemonics[header].call(self, (), [repr(value + (size if up else -size))])

    @command("SS{over}", _CHANNEL, _STEP, over=_ARRAYS)
    def _set_step_of_one(self, name: str, index: int, size: float) -> None:
        self._steps[name, index] = size

    @query("SS{over}", _CHANNEL, over=_ARRAYS)
    def _get_step_of_one(self, name: str, index: int) -> float:
        return self._steps.get((name, index), 1.0)

    @command("SP{over}", _CHANNEL, Boolean(), over=_ARRAYS)
    def _step_one(self, name: str, index: int, up: bool) -> None:
        size = self._get_step_of_one(name, index) * (1 if up else -1)
        if name == "DL":
            self._place(index, self._links[index], self._delays[index] + round(size / TICK))
            return
        header = _STEPPED_EACH[name]
        value = float(self.mnemonics[header + "?"].call(self, (), [str(index)]))
        self.mnemonics[header].call(self, (), [str(index), repr(value + size)])

    # --- interface

    @query("*CAL")
    def _calibrate(self) -> int:
        return 0

    @query("EMAC")
    def _ethernet_address(self) -> str:
        return "00:19:B3:06:45:15"

    @query("TIMB")
    def _timebase(self) -> int:
        return 0

    @query("LOCK")
    @query("UNLK")
    def _lock(self) -> int:
        """Take or give back the lock; there is always one to be had."""
        return 1

    @command("IFRS", Integer(0, 2))
    def _restart_interface(self, interface: int) -> None:
        """Restart an interface; settings of it take effect here at the next start of the bench."""

    @command("XTRM", Integer(0, 255), Integer(0, 255, default=0), Integer(0, 255, default=0))
    def _set_terminator(self, first: int, second: int, third: int) -> None:
        """End replies with these characters, up to a zero."""
        characters = bytes((first, second, third)).partition(b"\0")[0]
        self.reply_terminator = self.reply_separator = characters

    @query("LERR")
    def _last_error(self) -> int:
        return self._errors.pop() if self._errors else 0

    @query("INSR", Integer(0, 7, default=-1))
    def _instrument_register(self, bit: int) -> int:
        register = self.status.registers["MEAS"]  # its summary is bit 0 of the status byte, as INSB is
        mask = 255 if bit < 0 else 1 << bit
        value = register.event & mask
        register.event &= ~mask
        return value if bit < 0 else int(bool(value))

    @command("INSE", Integer(0, 255))
    def _enable_instrument_register(self, mask: int) -> None:
        self.status.registers["MEAS"].enable = mask

    @query("INSE")
    def _enabled_instrument_register(self) -> int:
        return self.status.registers["MEAS"].enable

    def _note(self, bit: int) -> None:
        self.status.registers["MEAS"].event |= bit

    @query("*STB")
    def _status_byte(self) -> int:
        return self.status.byte() | self._activity()

    def serial_poll(self, message_available: bool) -> int:
        """Return the status byte: its bits 1 and 2 tell whether a cycle or a burst is under way."""
        return super().serial_poll(message_available) | self._activity()

    def _activity(self) -> int:
        busy = self.now < max(self._busy_until, self._cycle_end)
        return (BUSY | (BURSTING if self.burst else 0)) if busy else 0

    @command("*CLS")
    def _clear_status(self) -> None:
        super()._clear_status()
        self._errors.clear()

    @command("DISP", Integer(0, 15), Integer(0, 9, default=0))
    def _show(self, what: int, channel: int) -> None:
        self._shown = (what, channel)

    @query("DISP")
    def _shown_now(self) -> str:
        return f"{self._shown[0]},{self._shown[1]}"

    @command("LCAL")
    @command("REMT")
    def _front_panel(self) -> None:
        """Give the front panel back, or take it; nobody stands there."""

    def record_error(self, number: int, cause: int) -> None:
        """Keep the number for LERR?, the newest of at most 20."""
        self._errors = [*self._errors[-19:], number]

    # --- cycles

    def setting_changed(self, name: str) -> None:
        """Start or stop the internal trigger when the source or its rate changes."""
        if name in ("source", "rate"):
            self._armed = False
            if self.source in (INTERNAL, LINE):
                self._internal_trigger(self.now, self._new_generation())
            elif name == "source":
                self._new_generation()
        elif name == "burst" and not self.burst:
            self._stop()

    def _new_generation(self) -> int:
        self._generation += 1
        return self._generation

    def _internal_trigger(self, time: float, generation: int) -> None:
        if generation != self._generation:
            return
        if self._passes_prescaler():
            self._fire(time)
        period = 1 / 60 if self.source == LINE else 1 / self.rate
        unseen = self._unseen(time, period)
        if unseen:
            every = self._prescale[0] if self.advanced else 1
            passed = (self._triggers + unseen - 1) // every - (self._triggers - 1) // every
            self._triggers += unseen
            self._cycle += 0 if self.burst else passed
        self.schedule.at(time + (1 + unseen) * period, lambda later: self._internal_trigger(later, generation))

    def _unseen(self, time: float, period: float) -> int:
        """How many whole cycles after the one at ``time`` may be left out: they have piled up, and nobody looked."""
        behind = int((self.schedule.clock.now() - time) / period) - 1
        return behind if behind >= UNSEEN else 0

    def _passes_prescaler(self) -> bool:
        """Count a trigger; tell whether the trigger prescaler lets it through."""
        self._triggers += 1
        return not self.advanced or (self._triggers - 1) % self._prescale[0] == 0

    def _fire(self, time: float) -> None:
        """Start a cycle, or a burst of them, unless one is under way."""
        if time < max(self._busy_until, self._held_until):
            self._note(RATE_ERROR)
            return
        self._note(TRIGGERED)
        if self.advanced:
            self._held_until = time + self.holdoff
        if not self.burst:
            self._run_cycle(time, first=True)
            return
        self._cycle = 0
        self._busy_until = time + self.burst_delay + self.burst_count * self.burst_period
        self._book(time + self.burst_delay, lambda start: self._run_burst(start, self.burst_count))

    def _run_burst(self, time: float, left: int) -> None:
        """Run the next cycle of a burst; one that would overlap the cycle before is lost."""
        first = left == self.burst_count
        if first or time >= self._cycle_end:
            self._run_cycle(time, first)
        else:
            self._note(RATE_ERROR)
        if left > 1:
            unseen = min(self._unseen(time, self.burst_period), left - 2)
            self._cycle += unseen
            self._book(time + (1 + unseen) * self.burst_period, lambda later: self._run_burst(later, left - 1 - unseen))
        else:
            self._busy_until = max(self._cycle_end, time + self.burst_period)
            self._note(END_OF_BURST)

    def _run_cycle(self, time: float, first: bool) -> None:
        delays = totals(self._links, self._delays)
        end = time + seconds(max(delays))
        self._cycle_end = end
        self._booked.clear()  # everything of the cycle before has happened
        if not self.burst:
            self._busy_until = end
        if first or not (self.burst and self.burst_first_only):
            self._pulse(0, time, end)
        for output in range(1, len(OUTPUTS)):
            begin, stop = sorted((delays[2 * output], delays[2 * output + 1]))
            if self._fires(output):
                self._pulse(output, time + seconds(begin), time + seconds(stop))
        self._cycle += 1
        self._book(end, self._cycle_ended)

    def _fires(self, output: int) -> bool:
        return not self.advanced or (self._cycle + self._phase[output]) % self._prescale[output] == 0

    def _cycle_ended(self, _: float) -> None:
        self._note(END_OF_DELAY)

    def _pulse(self, output: int, begin: float, end: float) -> None:
        name = OUTPUTS[output]
        if begin == end:
            return
        self._book(begin, lambda time: self._activate(name, True, time))
        self._book(end, lambda time: self._activate(name, False, time))

    def _book(self, time: float, action: Callable[[float], None]) -> None:
        """Book an action that stopping takes back."""
        self._booked.append(self.schedule.at(time, action))

    def _activate(self, name: str, active: bool, time: float) -> None:
        if self._active[name] != active:
            self._active[name] = active
            self._announce(name, time)

    def _turn(self, output: int, positive: bool, time: float) -> None:
        if self._positive[output] != positive:
            self._positive[output] = positive
            self._announce(OUTPUTS[output], time)

    def _announce(self, name: str, time: float) -> None:
        high = self.level(name)
        for listener in self._listeners[name]:
            listener(time, high)

    def _stop(self) -> None:
        """Cut a cycle or burst short; the outputs go idle."""
        for ticket in self._booked:
            ticket.cancel()
        self._booked = []
        self._cycle_end = self._busy_until = self._held_until = float("-inf")
        now = self.now
        for name in OUTPUTS:
            self._activate(name, False, now)


def totals(links: list[int], delays: list[int]) -> list[int]:
    """Return the delay of every channel after T0, in ticks; raises CommandFailed(13) when the links go round."""
    result = []
    for channel in range(CHANNELS):
        total, at = 0, channel
        for _ in range(CHANNELS):
            if at == T0:
                break
            total += delays[at]
            at = links[at]
        else:
            raise CommandFailed(ILLEGAL_LINK)
        result.append(total)
    return result
