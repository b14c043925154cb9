"""Files that hold whole things only: appended lines, and small files that appear complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path


class AppendOnlyFile:
    """A new file that grows by whole records; unbuffered: what was written survives the death of the process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = 0

    def append(self, record: bytes) -> None:
        """Write the whole record; on OSError (a full disk) nothing of it stays."""
        try:
            _write_all(self._descriptor, record)
        except BaseException:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(record)

    def close(self, *, durable: bool = False) -> None:
        """Close; ``durable`` first waits until the disk has it. Closing twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


class PatchableFile:
    """A place in an existing file that is overwritten with as many bytes as stand there.

    To replace the whole file by renaming would cost a journal commit each time (ext4 flushes a file that is renamed over
    another): a thousand times as much. A few bytes are written by one call, of which the death of the process leaves
    all or nothing, and for which a full disk has room.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        self._offset = offset

    def write(self, content: bytes) -> None:
        """Overwrite."""
        os.pwrite(self._descriptor, content, self._offset)

    def close(self) -> None:
        """Close; closing twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def write_new(path: str, content: bytes | memoryview) -> None:
    """Write a file that nobody looks at before it is said to be there; on OSError nothing of it stays."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        _write_all(descriptor, content)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def write_whole(folder: str, name: str, content: bytes | memoryview) -> None:
    """Write ``folder/name`` beside it and rename: readers see the old file or the new one, never a part."""
    part = f"{folder}/.{name}.part"
    write_new(part, content)
    os.rename(part, f"{folder}/{name}")


def _write_all(descriptor: int, content: bytes | memoryview) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
