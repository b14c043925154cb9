"""Finding the command of a header: a tree of mnemonics with a bounded memory of what was found before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spinlab.virtual.commands import Command
from spinlab.virtual.parameters import short_form
from spinlab.virtual.status import CommandFailed

_OPTIONAL = re.compile(r"\[([^][]*)\]")
_SUFFIX = re.compile(r"(.*?)(\d+)", re.ASCII)
MEMORY = 4096  # headers remembered; then all are forgotten, so that nonsense cannot fill the memory


@dataclass(eq=False)
class Node:
    """One mnemonic: what may follow it, and what it means at the end of a header."""

    numbered: bool = False
    children: dict[str, Node] = field(default_factory=dict)
    command: Command | None = None
    query: Command | None = None


@dataclass(frozen=True)
class Found:
    """A resolved header; ``path`` is where the next relative header of the message starts (None: unchanged)."""

    command: Command
    suffixes: tuple[int, ...]
    path: Node | None


class HeaderTree:
    """All headers of one instrument class."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self.root = Node()
        self._memory: dict[tuple[Node, str], Found] = {}
        for each in commands:
            for names in spellings(each.pattern.removesuffix("?")):
                self._plant(names, each)

    def _plant(self, names: list[str], each: Command) -> None:
        node = self.root
        for name in names:
            node = self._child(node, name)
        if each.pattern.endswith("?"):
            node.query = each
        else:
            node.command = each

    @staticmethod
    def _child(node: Node, name: str) -> Node:
        numbered = name.endswith("#")
        name = name.removesuffix("#")
        child = node.children.get(name.upper())
        if child is None:
            child = Node(numbered)
            node.children[name.upper()] = node.children[short_form(name).upper()] = child
        child.numbered = child.numbered or numbered
        return child

    def find(self, path: Node, header: str) -> Found:
        """Return what ``header`` means after ``path``; -113 if nothing, -114 if only its suffix is wrong."""
        found = self._memory.get((path, header))
        if found is None:
            found = self._resolve(path, header)
            if len(self._memory) >= MEMORY:
                self._memory.clear()
            self._memory[path, header] = found
        return found

    def _resolve(self, path: Node, header: str) -> Found:
        if header.startswith(":"):
            path, header = self.root, header[1:]
        names = header.removesuffix("?").upper().split(":")
        common = names[0].startswith("*")
        node = parent = self.root if common else path
        suffixes: list[int] = []
        for name in names:
            parent, node = node, self._step(node, name, suffixes)
        command = node.query if header.endswith("?") else node.command
        if command is None:
            raise CommandFailed(-113)
        return Found(command, tuple(suffixes), None if common else parent)

    @staticmethod
    def _step(node: Node, name: str, suffixes: list[int]) -> Node:
        child = node.children.get(name)
        if child is not None:
            if child.numbered:
                suffixes.append(1)
            return child
        cut = _SUFFIX.fullmatch(name)
        child = node.children.get(cut[1]) if cut else None
        if child is None or cut is None:
            raise CommandFailed(-113)
        if len(cut[2]) > 9 or not (child.numbered or int(cut[2]) == 1):
            raise CommandFailed(-114)
        if child.numbered:
            suffixes.append(int(cut[2]))
        return child


def spellings(pattern: str) -> Iterator[list[str]]:
    """Yield the mnemonics of a pattern with each choice of its optional nodes."""
    optional = _OPTIONAL.search(pattern)
    if optional is None:
        yield [name for name in pattern.split(":") if name]
        return
    before, after = pattern[: optional.start()], pattern[optional.end() :]
    yield from spellings(before + optional[1] + after)
    yield from spellings(before + after)
