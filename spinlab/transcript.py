"""The VISA traffic of a session as a readable file, a JSON object a line.

::

    {"transcript": 1, "profile": "sim.toml", "clock": "virtual", "devices": {"coil": "TCPIP0::…"}}
    {"t": 0.0, "device": "coil", "sent": "*IDN?\\n"}
    {"t": 0.001, "device": "coil", "received": "KEITHLEY INSTRUMENTS INC.,MODEL 6221,…\\n"}
    {"t": 2.1, "device": "polarimeter", "block": {"begins": "#0", "bytes": 40003, "sha256": "…"}}
    {"t": 7.3, "device": "pump", "failed": "…"}

Times are the clock's, s. A text holds one character for each byte (Latin-1), escaped as JSON does; what holds other
bytes than text is a block, of which the length and a hash are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinlab.errors import BadInput

if TYPE_CHECKING:
    from spinlab.clock import Clock
    from spinlab.link import Tap

VERSION = 1
TEXT = frozenset((9, 10, 13, *range(32, 127)))


@dataclass(frozen=True)
class Block:
    """What is kept of binary data."""

    begins: str
    length: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Block:
        """Abbreviate data."""
        return cls(data[:2].decode("latin-1"), len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Exchange:
    """What was sent to a device at ``time`` (s), and what came back; ``failure`` says why nothing (more) did."""

    time: float
    device: str
    sent: bytes
    received: list[bytes | Block] = field(default_factory=list)
    failure: str = ""
    line: int = 0


class TranscriptWriter:
    """Writes a transcript, each line at once; the file is made when there is something to write.

    Raises BadInput for a file that exists already, or has no folder.
    """

    def __init__(self, path: Path, clock: Clock, profile: str, devices: dict[str, str]) -> None:
        if path.exists():
            raise BadInput(f"{path}: exists already; a transcript is not written over anything")
        if not path.absolute().parent.is_dir():
            raise BadInput(f"{path}: there is no folder {path.parent}")
        self._path = path
        self._clock = clock
        self._header = {"transcript": VERSION, "profile": profile, "clock": clock.kind, "devices": devices}
        self._file: Any = None

    def tap(self, device: str) -> Tap:
        """Return what hears the traffic of a device's link."""

        def hear(direction: str, data: bytes) -> None:
            self._write({"t": round(self._clock.now(), 9), "device": device, **_entry(direction, data)})

        return hear

    def close(self) -> None:
        """Close the file; harmless when done twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None:
            new = not self._path.exists()
            self._file = self._path.open("a", encoding="ascii", buffering=1)
            if new:
                self._file.write(json.dumps(self._header) + "\n")
        self._file.write(json.dumps(line) + "\n")


def _entry(direction: str, data: bytes) -> dict[str, Any]:
    if direction == "received" and not TEXT.issuperset(data):
        block = Block.of(data)
        return {"block": {"begins": block.begins, "bytes": block.length, "sha256": block.sha256}}
    return {direction: data.decode("latin-1")}


def read_transcript(path: Path) -> list[Exchange]:
    """Return the exchanges of a transcript in their order; raises BadInput naming the line that makes no sense."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as a transcript: {error}") from None
    objects = list(_objects(path, lines))
    if not objects or objects[0][1].get("transcript") != VERSION:
        raise BadInput(f'{path}: is no transcript: its first line must be {{"transcript": {VERSION}, …}}')
    exchanges: list[Exchange] = []
    latest: dict[str, int] = {}  # index of the exchange that a device is in
    for number, line in objects[1:]:
        try:
            _take(line, number, exchanges, latest)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path}:{number}: is no line of a transcript: {error!r}") from None
    return exchanges


def _objects(path: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(lines, 1):
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}:{number}: is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise BadInput(f"{path}:{number}: must be an object, such as {{…}}")
        yield number, found


def _take(line: dict[str, Any], number: int, exchanges: list[Exchange], latest: dict[str, int]) -> None:
    device = str(line["device"])
    if "sent" in line:
        latest[device] = len(exchanges)
        exchanges.append(Exchange(float(line["t"]), device, line["sent"].encode("latin-1"), line=number))
        return
    index = latest[device]
    exchange = exchanges[index]
    if "received" in line:
        exchange.received.append(line["received"].encode("latin-1"))
    elif "block" in line:
        block = line["block"]
        exchange.received.append(Block(str(block["begins"]), int(block["bytes"]), str(block["sha256"])))
    else:
        exchanges[index] = Exchange(
            exchange.time, device, exchange.sent, exchange.received, str(line["failed"]), exchange.line
        )
