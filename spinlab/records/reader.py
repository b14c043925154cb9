"""Reading a run folder back, also one whose writer died in the middle of a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.errors import BadInput, nearest
from spinlab.records.encoding import decode
from spinlab.records.layout import DOCUMENTS, METADATA, trace_folder
from spinlab.records.pages import unpack_page

Document = dict[str, Any]


def open_run(path: Path) -> Run:
    """Open the run in the folder ``path``; raises BadInput when it holds none."""
    if not (path / DOCUMENTS).is_file():
        raise BadInput(f"{path}: holds no run (no {DOCUMENTS})")
    run = Run(path)
    next(run.documents(), None)  # a broken first line is found out here
    return run


@dataclass(frozen=True)
class Stream:
    """One stream: its descriptors, its events, and how many items each of its traces has in the documents."""

    name: str
    descriptors: list[Document] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    traces: dict[str, int] = field(default_factory=dict)


class Trace:
    """An array of a run, read item by item: ``trace[i]`` is the record of event ``i``, ``trace[:]`` all of them."""

    def __init__(self, folder: Path, length: int) -> None:
        metadata = json.loads((folder / METADATA).read_text())
        self.dtype = np.dtype(metadata["data_type"]).newbyteorder("<")
        self.shape: tuple[int, ...] = (length, *metadata["shape"][1:])
        self._folder = folder

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice) -> npt.NDArray[Any]:
        if isinstance(index, slice):
            items = [self._read(i) for i in range(*index.indices(len(self)))]
            return np.stack(items) if items else np.empty((0, *self.shape[1:]), self.dtype)
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"trace {index} of {len(self)}")
        return self._read(position)

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self._read(index) for index in range(len(self)))

    def _read(self, index: int) -> npt.NDArray[Any]:
        path = self._folder / f"c.{index}{'.0' * (len(self.shape) - 1)}"
        return np.fromfile(path, self.dtype).reshape(self.shape[1:])


class Run:
    """One run: its documents, its streams as columns and rows, its traces. Reads lazily; never writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        state = "" if self.complete else ", incomplete"
        return f"<Run {self.uid[:8]} {self.start.get('plan_name', '')} in {self.path}{state}>"

    @property
    def uid(self) -> str:
        """The run's uid."""
        return str(self.start["uid"])

    @cached_property
    def start(self) -> Document:
        """The start document."""
        return next(self.documents())[1]

    @property
    def stop(self) -> Document | None:
        """The stop document; None for a run that was cut off."""
        return self._content.stop

    @property
    def complete(self) -> bool:
        """Whether the run was closed and every line is whole."""
        return self.stop is not None and not self._content.torn

    @property
    def exit_status(self) -> str:
        """``success``, ``abort``, ``fail``, or ``incomplete`` when the writer died."""
        return str(self.stop["exit_status"]) if self.stop else "incomplete"

    def documents(self) -> Iterator[tuple[str, Document]]:
        """Yield name and document of each whole line, in the order emitted."""
        for number, line in enumerate(self._whole_lines(), 1):
            try:
                name, doc = decode(line)
            except ValueError as error:
                raise BadInput(f"{self.path / DOCUMENTS}: line {number} is damaged: {error}") from None
            if number == 1 and name != "start":
                raise BadInput(f"{self.path / DOCUMENTS}: begins with {name!r}, not with a start document")
            yield name, doc

    @property
    def streams(self) -> dict[str, dict[str, npt.NDArray[Any]]]:
        """All streams as columns: stream -> key -> array, with ``seq_num`` and ``time``; traces are not among them."""
        return {name: self._columns(stream) for name, stream in self._content.streams.items()}

    def rows(self, stream: str = "primary") -> list[dict[str, Any]]:
        """Return the events' data, a dict each; a stream without events (yet) has none."""
        found = self._content.streams.get(stream)
        return [event["data"] for event in found.events] if found else []

    def column(self, stream: str, key: str) -> npt.NDArray[Any]:
        """Return one column of a stream; raises BadInput when there is none."""
        columns = self._columns(self._stream(stream))
        if key not in columns:
            raise BadInput(f"stream {stream!r} of {self.path} has no {key!r}{nearest(key, columns)}")
        return columns[key]

    def trace(self, stream: str, key: str, index: int | None = None) -> Any:
        """Return a `Trace`, or its item ``index`` as an array; raises BadInput when there is none."""
        traces = self._stream(stream).traces
        if key not in traces:
            raise BadInput(f"stream {stream!r} of {self.path} has no trace {key!r}{nearest(key, traces)}")
        trace = Trace(trace_folder(self.path, stream, key), traces[key])
        return trace if index is None else trace[index]

    def traces(self, stream: str) -> list[str]:
        """Return the keys of the traces of a stream."""
        return list(self._stream(stream).traces)

    def reload(self) -> None:
        """Forget what was read, for a run that is still being written."""
        self.__dict__.pop("_content", None)

    def _stream(self, name: str) -> Stream:
        streams = self._content.streams
        if name not in streams:
            raise BadInput(f"{self.path} has no stream {name!r}{nearest(name, streams)}")
        return streams[name]

    @staticmethod
    def _columns(stream: Stream) -> dict[str, npt.NDArray[Any]]:
        keys = dict.fromkeys(key for event in stream.events for key in event["data"])
        columns = {key: np.array([event["data"].get(key) for event in stream.events]) for key in keys}
        return {name: np.array([event[name] for event in stream.events]) for name in ("seq_num", "time")} | columns

    @cached_property
    def _content(self) -> _Content:
        return _Content.of(self)

    def _whole_lines(self) -> Iterator[bytes]:
        with (self.path / DOCUMENTS).open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))

    def _is_torn(self) -> bool:
        with (self.path / DOCUMENTS).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            return file.read() != b"\n"


@dataclass
class _Content:
    """What the documents of a run say, gathered in one pass."""

    streams: dict[str, Stream] = field(default_factory=dict)
    stop: Document | None = None
    torn: bool = False

    @classmethod
    def of(cls, run: Run) -> _Content:
        content = cls(torn=run._is_torn())
        names: dict[str, str] = {}  # descriptor uid -> stream
        keys: dict[str, str] = {}  # stream resource uid -> data key
        for name, doc in run.documents():
            if name == "descriptor":
                names[doc["uid"]] = doc.get("name", "primary")
                content.stream(names[doc["uid"]]).descriptors.append(doc)
            elif name == "event":
                content.stream(names[doc["descriptor"]]).events.append(doc)
            elif name == "event_page":
                content.stream(names[doc["descriptor"]]).events.extend(unpack_page(doc))
            elif name == "stream_resource":
                keys[doc["uid"]] = doc["data_key"]
            elif name == "stream_datum":
                traces = content.stream(names[doc["descriptor"]]).traces
                traces[keys[doc["stream_resource"]]] = doc["indices"]["stop"]
            elif name == "stop":
                content.stop = doc
        return content

    def stream(self, name: str) -> Stream:
        return self.streams.setdefault(name, Stream(name))
