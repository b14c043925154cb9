"""Is the twin faithful to the box? What was said to the box is said to the twin, and the replies are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spinlab.errors import BadInput, nearest
from spinlab.replies import error_entry, number
from spinlab.transcript import Block, Exchange
from spinlab.virtual.instrument import Instrument, Pending
from spinlab.virtual.splitting import Lines, split
from spinlab.virtual.status import CommandFailed

if TYPE_CHECKING:
    from spinlab.clock import Clock
    from spinlab.profile import Profile

Verdict = Literal["agrees", "measured", "failed", "differs"]
MEASURED = (
    r"^:?(TRAC|READ|FETC|MEAS|MEASURE|FETCH)\w*(:DATA|:DIG\w*|:VOLT\w*|:CURR\w*|:STAT\w*)*\?",
    r"^(RILD|RVLD|RIPD|RWPD|TIRD|TVRD|TTRD|TRAW)\?",
    r"^(KRDG|CRDG|SRDG|HTR)\?",
)
"""Queries whose replies are measured values: their form is compared, not their value."""
PATIENCE = 60.0  # s of laboratory time that the twin may take for a reply
SHOWN = 60  # characters of a reply in a table


@dataclass(frozen=True)
class Rules:
    """How close is close enough: ``tolerance`` is relative, of numbers. ``measured`` are regular expressions of queries."""

    tolerance: float = 1e-6
    measured: tuple[str, ...] = MEASURED
    serials: bool = False

    def is_measured(self, query: str) -> bool:
        """Whether the reply to a query is a measured value."""
        return any(re.search(pattern, query, re.IGNORECASE) for pattern in self.measured)


@dataclass(frozen=True)
class Comparison:
    """One reply of the box and the twin's. ``line`` is that of the message in the transcript; ``time`` s."""

    line: int
    time: float
    device: str
    query: str
    box: str
    twin: str
    verdict: Verdict


@dataclass(frozen=True)
class Report:
    """All comparisons, in order."""

    comparisons: tuple[Comparison, ...]
    tolerance: float

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """Where box and twin differ."""
        return tuple(each for each in self.comparisons if each.verdict == "differs")

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of replies by device and verdict."""
        found: dict[str, dict[str, int]] = {}
        for each in self.comparisons:
            table = found.setdefault(each.device, {"agrees": 0, "measured": 0, "failed": 0, "differs": 0})
            table[each.verdict] += 1
        return found

    def as_document(self) -> dict[str, Any]:
        """The JSON object that ``spinlab replay --json`` prints."""
        return {
            "agrees": not self.differences,
            "tolerance": self.tolerance,
            "replies": self.counts(),
            "differences": [vars(each) for each in self.differences],
        }


def replay(exchanges: Sequence[Exchange], profile: Profile, rules: Rules | None = None) -> Report:
    """Say the messages of a transcript to the twin bench of a profile, at their times, and compare its replies."""
    from spinlab.clock import VirtualClock
    from spinlab.laboratory import load

    rules = rules or Rules()
    clock = VirtualClock(profile.epoch.isoformat())
    try:
        bench = load(profile.bench.factory, profile.root)(profile, clock)
        twins = {name: Twin(instrument, clock) for name, instrument in _instruments(exchanges, profile, bench).items()}
        found: list[Comparison] = []
        for exchange in exchanges:
            clock.spend(max(0.0, exchange.time - clock.now()))
            found.extend(compared(exchange, twins[exchange.device].answer(exchange.sent), rules))
    finally:
        clock.close()
    return Report(tuple(found), rules.tolerance)


def _instruments(exchanges: Sequence[Exchange], profile: Profile, bench: Any) -> dict[str, Instrument]:
    """The virtual instrument of each device: the one of that name, or at the address the profile gives it."""
    from pyvisa import rname

    from spinlab.virtual.labfile import LabFile

    known: Mapping[str, Instrument] = bench.instruments
    lab = LabFile.read(profile.bench_yaml)
    addresses = lab.resources(known) if lab else {}
    found = {}
    for name in dict.fromkeys(exchange.device for exchange in exchanges):
        entry = profile.devices.get(name)
        instrument = known.get(name) or (entry and addresses.get(rname.to_canonical_name(entry.address)))
        if not instrument:
            raise BadInput(f"the bench of {profile.path.name} has no twin of {name!r}{nearest(name, known)}")
        found[name] = instrument
    return found


class Twin:
    """A virtual instrument to talk to, without a bus in between."""

    def __init__(self, instrument: Instrument, clock: Clock) -> None:
        self._instrument = instrument
        self._clock = clock
        self._lines = Lines(instrument.input_buffer_size)

    def answer(self, data: bytes) -> bytes:
        """Return everything that comes back for these bytes."""
        replies = [self._settled(self._instrument.receive(message)) for message in self._lines.feed(data)]
        return b"".join(reply + self._instrument.reply_terminator for reply in replies if reply is not None)

    def _settled(self, reply: bytes | Pending | None) -> bytes | None:
        if not isinstance(reply, Pending):
            return reply
        end = self._clock.now() + PATIENCE
        while not reply.done and reply.ready_at <= end:
            self._clock.spend(max(0.0, reply.ready_at - self._clock.now()))
            self._instrument.schedule.catch_up()
        return reply.reply


# --- comparing


def compared(exchange: Exchange, twin: bytes, rules: Rules) -> Iterator[Comparison]:
    """Compare the replies to one message, query by query where both sides have as many replies as there are queries."""
    message = exchange.sent.decode("latin-1").strip()
    if exchange.failure:
        yield _comparison(exchange, message, exchange.failure, _shown(twin), "failed")
        return
    if any(isinstance(part, Block) for part in exchange.received) or twin.startswith(b"#"):
        yield _compared_blocks(exchange, message, twin)
        return
    box = b"".join(part for part in exchange.received if isinstance(part, bytes))
    queries = [part for part in _parts(message) if "?" in part]
    ours, theirs = _replies(box), _replies(twin)
    if len(ours) == len(theirs) == len(queries):
        for query, a, b in zip(queries, ours, theirs, strict=True):
            yield _comparison(exchange, query, a, b, verdict(query, a, b, rules))
    elif box or twin:
        yield _comparison(exchange, message, _shown(box), _shown(twin), "agrees" if ours == theirs else "differs")


def verdict(query: str, box: str, twin: str, rules: Rules) -> Verdict:
    """Compare two replies to one query."""
    if query.upper().startswith("*IDN"):
        fields = None if rules.serials else 2  # maker and model; serial number and firmware are the box's own
        return "agrees" if box.split(",")[:fields] == twin.split(",")[:fields] else "differs"
    entries = _entries(box, twin)
    if entries is not None:  # what follows a semicolon in an error's text is the time
        (code, text), (twins_code, twins_text) = entries
        same = code == twins_code and text.split(";")[0] == twins_text.split(";")[0]
        return "agrees" if same else "differs"
    ours, theirs = box.split(","), twin.split(",")
    if len(ours) != len(theirs):
        return "differs"
    if rules.is_measured(query):
        same = all(_is_number(a) == _is_number(b) for a, b in zip(ours, theirs, strict=True))
        return "measured" if same else "differs"
    return "agrees" if all(_same(a, b, rules.tolerance) for a, b in zip(ours, theirs, strict=True)) else "differs"


def _compared_blocks(exchange: Exchange, message: str, twin: bytes) -> Comparison:
    """Two blocks of data agree in form: header and length; the data were measured."""
    part = exchange.received[0] if exchange.received else Block("", 0, "")
    box = part if isinstance(part, Block) else Block.of(part)
    same = len(exchange.received) == 1 and (box.begins, box.length) == (twin[:2].decode("latin-1"), len(twin))
    texts = (f"{box.begins}… {box.length} bytes", f"{twin[:2].decode('latin-1')}… {len(twin)} bytes")
    return _comparison(exchange, message, *texts, "measured" if same else "differs")


def _comparison(exchange: Exchange, query: str, box: str, twin: str, found: Verdict) -> Comparison:
    return Comparison(exchange.line, exchange.time, exchange.device, query, box, twin, found)


def _parts(text: str) -> list[str]:
    try:
        return split(text, ";")
    except CommandFailed:
        return [text]


def _replies(data: bytes) -> list[str]:
    lines = [line.strip() for line in data.decode("latin-1").split("\n") if line.strip()]
    return [part for line in lines for part in _parts(line)]


def _entries(box: str, twin: str) -> tuple[tuple[int, str], tuple[int, str]] | None:
    try:
        return error_entry(box), error_entry(twin)
    except ValueError:
        return None


def _same(a: str, b: str, tolerance: float) -> bool:
    if a.strip() == b.strip():
        return True
    try:
        x, y = number(a.strip()), number(b.strip())
    except ValueError:
        return False
    return abs(x - y) <= tolerance * max(abs(x), abs(y))


def _is_number(text: str) -> bool:
    try:
        number(text.strip())
    except ValueError:
        return False
    return True


def _shown(data: bytes) -> str:
    text = data.decode("latin-1").strip()
    return "(nothing)" if not text else text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def show(report: Report, transcript: Path) -> None:
    """Print how many replies agree, device by device, and every difference."""
    from spinlab.analysis.result import Table
    from spinlab.display import print_table

    counts = report.counts()
    names = ("agrees", "measured", "failed", "differs")
    print_table(Table(("device", *names), tuple((each, *(str(counts[each][n]) for n in names)) for each in counts)))
    if not report.differences:
        print(f"{transcript}: the twin answers as the box did (numbers within {report.tolerance:g})")
        return
    rows = tuple((str(e.line), e.device, e.query[:SHOWN], e.box[:SHOWN], e.twin[:SHOWN]) for e in report.differences)
    print_table(Table(("line", "device", "asked", "box", "twin"), rows))
