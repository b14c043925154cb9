"""The recorder: every document on disk before anything else hears of it.

Order on disk: the chunk, its ``zarr.json``, the documents that name it, the event. Nothing is buffered in the process,
so ``kill -9`` loses nothing that was emitted. There is no fsync per event: a power cut may lose what the operating
system had not yet written (some tens of seconds). At the stop document ``documents.jsonl`` is fsynced, the traces not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.errors import RunFailed
from spinlab.records.chunks import ArrayWriter, write_group
from spinlab.records.encoding import encode
from spinlab.records.files import AppendOnlyFile
from spinlab.records.layout import DOCUMENTS, TRACES, run_folder, trace_folder
from spinlab.records.pages import unpack_page

Document = dict[str, Any]
Documents = list[tuple[str, Document]]

LARGEST_INLINE = 16  # values of an array that stays in the event
# The key by which a document says whose it is.
_OWNER = {
    "descriptor": "run_start",
    "stop": "run_start",
    "resource": "run_start",
    "stream_resource": "run_start",
    "event": "descriptor",
    "event_page": "descriptor",
    "stream_datum": "descriptor",
    "datum": "resource",
    "datum_page": "resource",
}


class RunWriter:
    """Writes runs below one directory; called with each document, returns what subscribers should hear instead.

    Arrays of more than 16 values leave their events for Zarr arrays, and stream documents refer to them. Raises OSError
    when the disk refuses, TypeError for what JSON or Zarr cannot hold, RunFailed for a document of no open run.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._folders: dict[str, _RunFolder] = {}  # by the uid of start, descriptors and resources
        self.paths: dict[str, Path] = {}  # of all runs begun, by uid

    def __call__(self, name: str, doc: Mapping[str, Any]) -> Documents:
        """Write one document."""
        if name == "start":
            folder = _RunFolder(self.directory, doc)
            self._folders[doc["uid"]] = folder
            self.paths[doc["uid"]] = folder.path
            return [("start", dict(doc))]
        folder = self._owner(name, doc)
        if name in ("descriptor", "resource"):
            self._folders[doc["uid"]] = folder
        documents = folder.record(name, dict(doc))
        if name == "stop":
            self._forget(folder)
        return documents

    @property
    def path(self) -> Path | None:
        """The folder of the run begun last; None before the first."""
        return next(reversed(self.paths.values()), None)

    def close(self) -> None:
        """Close the files of runs that never stopped; they stay readable, as incomplete. Closing twice is harmless."""
        for folder in set(self._folders.values()):
            folder.close()
        self._folders.clear()

    def _owner(self, name: str, doc: Mapping[str, Any]) -> _RunFolder:
        uid = doc.get(_OWNER.get(name, ""), "")
        if uid not in self._folders:
            raise RunFailed(f"the document {name!r} {doc.get('uid', '')} belongs to no open run")
        return self._folders[uid]

    def _forget(self, folder: _RunFolder) -> None:
        for uid in [uid for uid, other in self._folders.items() if other is folder]:
            del self._folders[uid]


class _RunFolder:
    """One run being written."""

    def __init__(self, directory: Path, start: Mapping[str, Any]) -> None:
        self.uid: str = start["uid"]
        line = encode("start", start)  # before anything is made: it may refuse
        self.path = run_folder(directory, start)
        self.path.mkdir(parents=True)
        self._documents = AppendOnlyFile(self.path / DOCUMENTS)
        self._documents.append(line)
        self._streams: dict[str, _Stream] = {}  # by descriptor uid
        self._arrays: dict[tuple[str, str], _TraceWriter] = {}  # a stream may have several descriptors

    def record(self, name: str, doc: Document) -> Documents:
        """Write the document, its arrays first; return what was written."""
        if name == "descriptor":
            doc = self._declare(doc)
        elif name == "event" and doc["descriptor"] in self._streams:
            return self._record_event(doc)
        elif name == "event_page" and doc["descriptor"] in self._streams:
            return [written for event in unpack_page(doc) for written in self._record_event(event)]
        self._documents.append(encode(name, doc))
        if name == "stop":
            self._documents.close(durable=True)
            self.close()
        return [(name, doc)]

    def close(self) -> None:
        self._documents.close()
        for array in self._arrays.values():
            array.close()

    def _declare(self, descriptor: Document) -> Document:
        """Return the descriptor with its large arrays marked as kept outside."""
        data_keys = descriptor["data_keys"]
        outside = [key for key, data_key in data_keys.items() if _goes_outside(data_key)]
        if not outside:
            return descriptor
        stream = descriptor.get("name", "primary")
        self._streams[descriptor["uid"]] = _Stream(descriptor["uid"], stream, outside)
        for key in outside:
            if (stream, key) not in self._arrays:
                self._arrays[stream, key] = _TraceWriter(self.path, self.uid, stream, key, data_keys[key])
        marked = {key: {**data_keys[key], "external": "STREAM:"} for key in outside}
        return {**descriptor, "data_keys": {**data_keys, **marked}}

    def _record_event(self, event: Document) -> Documents:
        stream = self._streams[event["descriptor"]]
        documents: Documents = []
        for key in stream.outside:
            documents += self._arrays[stream.name, key].append(event)
        documents.append(("event", _without(event, stream.outside)))
        # One write for all lines of an event: half of them would be of no use.
        self._documents.append(b"".join(encode(name, doc) for name, doc in documents))
        return documents


@dataclass(frozen=True)
class _Stream:
    """A descriptor, and which of its keys are kept outside its events."""

    descriptor: str
    name: str
    outside: list[str]


class _TraceWriter:
    """One data key of one stream as an array and its stream documents."""

    def __init__(self, run: Path, run_uid: str, stream: str, key: str, data_key: Mapping[str, Any]) -> None:
        self._run = run
        self._run_uid = run_uid
        self._stream = stream
        self._key = key
        self._units = data_key.get("units")
        self._array: ArrayWriter | None = None
        self._uid = f"{run_uid}/{stream}/{key}"
        self._announced = False

    def append(self, event: Document) -> Documents:
        """Write this key's array of the event; return the stream documents that refer to it."""
        data = np.asarray(event["data"][self._key])
        array = self._array or self._begin(data)
        if data.shape != array.shape or np.dtype(data.dtype).newbyteorder("<") != array.dtype:
            raise RunFailed(
                f"{self._key}: event {event['seq_num']} of stream {self._stream!r} holds "
                f"{data.dtype}{list(data.shape)}, the events before it {array.dtype}{list(array.shape)}: "
                "a record's shape cannot change within a run"
            )
        index = array.append(data)
        datum = {
            "uid": f"{self._uid}/{index}",
            "stream_resource": self._uid,
            "descriptor": event["descriptor"],
            "indices": {"start": index, "stop": index + 1},
            "seq_nums": {"start": event["seq_num"], "stop": event["seq_num"] + 1},
        }
        announcement: Documents = [] if self._announced else [("stream_resource", self._resource(array))]
        self._announced = True
        return [*announcement, ("stream_datum", datum)]

    def close(self) -> None:
        if self._array is not None:
            self._array.close()

    def _begin(self, data: npt.NDArray[Any]) -> ArrayWriter:
        folder = trace_folder(self._run, self._stream, self._key)
        for group in (self._run / TRACES, folder.parent):
            write_group(group)
        attributes = {"run": self._run_uid, "stream": self._stream, "data_key": self._key}
        attributes |= {"units": self._units} if self._units else {}
        self._array = ArrayWriter(folder, data.shape, data.dtype, attributes)
        return self._array

    def _resource(self, array: ArrayWriter) -> Document:
        folder = trace_folder(self._run, self._stream, self._key)
        return {
            "uid": self._uid,
            "run_start": self._run_uid,
            "data_key": self._key,
            "mimetype": "application/x-zarr",
            "uri": folder.resolve().as_uri().replace("file:///", "file://localhost/"),
            "parameters": {
                "path": folder.relative_to(self._run).as_posix(),  # holds when the folder has been moved
                "dtype": array.dtype.str,
                "chunk_shape": [1, *array.shape],
                "join_method": "stack",
            },
        }


def _goes_outside(data_key: Mapping[str, Any]) -> bool:
    if data_key.get("dtype") != "array" or data_key.get("external"):
        return False
    shape = data_key.get("shape") or []
    return None in shape or math.prod(shape) > LARGEST_INLINE


def _without(event: Document, keys: list[str]) -> Document:
    def rest(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key not in keys}

    return {**event, "data": rest(event["data"]), "timestamps": rest(event["timestamps"])}
