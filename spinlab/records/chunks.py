"""Zarr v3 arrays written by hand: one uncompressed chunk per event, whole before the array grows to hold it.

zarr's own writer takes some milliseconds for what is one file to write; zarr, Tiled and NumPy read this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinlab.records.files import PatchableFile, write_new, write_whole
from spinlab.records.layout import METADATA

_TYPES = {
    "b1": "bool",
    **{f"i{size}": f"int{8 * size}" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"uint{8 * size}" for size in (1, 2, 4, 8)},
    **{f"f{size}": f"float{8 * size}" for size in (2, 4, 8)},
    **{f"c{size}": f"complex{8 * size}" for size in (8, 16)},
}
DIGITS = 10  # of the length in zarr.json, padded with blanks, so that the file never changes its size
_FILL: dict[str, Any] = {"b": False, "i": 0, "u": 0, "f": "NaN", "c": ["NaN", "NaN"]}


class ArrayWriter:
    """One array of shape ``(events, *item)``; ``append`` adds an item."""

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any], attributes: dict[str, Any]) -> None:
        """Raises TypeError for a dtype that Zarr has no name for."""
        self.dtype = np.dtype(dtype).newbyteorder("<")
        if self.dtype.str[1:] not in _TYPES:
            raise TypeError(f"arrays of {dtype} cannot be written")
        self.shape = shape
        self.length = 0
        self._folder = str(folder)
        self._tail = ".0" * len(shape)
        before, after = json.dumps(self._metadata(attributes)).split('"LENGTH"')
        folder.mkdir(parents=True)
        write_whole(self._folder, METADATA, f"{before}{0:{DIGITS}}{after}".encode())
        self._length_field = PatchableFile(folder / METADATA, len(before.encode()))

    def append(self, item: npt.NDArray[Any]) -> int:
        """Write one item and return its index. On OSError the array is as it was: a chunk beyond its length is not read."""
        data = np.ascontiguousarray(item, self.dtype)
        index = self.length
        write_new(f"{self._folder}/c.{index}{self._tail}", data.reshape(-1).view(np.uint8).data)
        self._length_field.write(f"{index + 1:{DIGITS}}".encode())
        self.length = index + 1
        return index

    def close(self) -> None:
        """Close the files; closing twice is harmless."""
        self._length_field.close()

    def _metadata(self, attributes: dict[str, Any]) -> dict[str, Any]:
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": ["LENGTH", *self.shape],
            "data_type": _TYPES[self.dtype.str[1:]],
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, *self.shape]}},
            # one folder of files rather than a folder per event
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": _FILL[self.dtype.kind],
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": attributes,
        }


def write_group(folder: Path) -> None:
    """Make a folder a Zarr group, so that ``zarr.open_group`` sees the arrays below it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(str(folder), METADATA, b'{"zarr_format": 3, "node_type": "group", "attributes": {}}')
