"""Declaring what an instrument understands, beside the code that answers it.

::

    class Lamp(ScpiInstrument):
        brightness = setting("SOURce:BRIGhtness[:LEVel]", Number(0, 1), 0.0)   # a set and a query, kept for you

        @command("SOURce:FLASh", Integer(1, 100))
        def flash(self, times: int) -> None: ...

        @query("MEASure:POWer")
        def power(self) -> float: ...

Patterns are SCPI's: ``LONGform`` with its short form in capitals, optional nodes in brackets, ``#`` where a numeric
suffix may stand (its value is passed first; 1 when left out). ``over={"VOLT": "VOLTage[:DC]", …}`` declares the
command once for each spelling of ``{over}`` in the pattern and passes the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, overload

from spinlab.virtual.parameters import Number, Parameter, bind
from spinlab.virtual.status import CommandFailed

T = TypeVar("T")
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Command:
    """One header with its parameters; ``handler(instrument, *keys, *suffixes, *values)`` answers it."""

    pattern: str
    parameters: tuple[Parameter[Any], ...]
    handler: Callable[..., Any]
    keys: tuple[str, ...] = ()

    def call(self, instrument: object, suffixes: tuple[int, ...], arguments: list[str]) -> Any:
        """Answer; raises CommandFailed when the arguments do not fit."""
        if not self.parameters and not arguments:
            return self.handler(instrument, *self.keys, *suffixes)
        return self.handler(instrument, *self.keys, *suffixes, *bind(self.parameters, arguments))


def command(
    pattern: str, *parameters: Parameter[Any], over: Mapping[str, str] | None = None
) -> Callable[[Handler], Handler]:
    """Declare the method below as what carries out ``pattern`` (or answers it, when it ends in ``?``)."""

    def declare(handler: Handler) -> Handler:
        declared = list(getattr(handler, "declared_commands", ()))
        declared.extend(_spellings(pattern, parameters, handler, over))
        handler.declared_commands = declared  # type: ignore[attr-defined]
        return handler

    return declare


def query(
    pattern: str, *parameters: Parameter[Any], over: Mapping[str, str] | None = None
) -> Callable[[Handler], Handler]:
    """Declare the method below as what answers ``pattern?``."""
    return command(pattern.removesuffix("?") + "?", *parameters, over=over)


def _spellings(
    pattern: str, parameters: tuple[Parameter[Any], ...], handler: Callable[..., Any], over: Mapping[str, str] | None
) -> Iterator[Command]:
    if over is None:
        yield Command(pattern, parameters, handler)
        return
    for key, spelling in over.items():
        yield Command(pattern.replace("{over}", spelling), parameters, handler, (key,))


class _Limit(Parameter[str]):
    """MIN, MAX or DEF after a query, or nothing."""

    def __init__(self) -> None:
        super().__init__(default="")

    def parse(self, text: str) -> str:
        return text.upper()


class Setting(Generic[T]):
    """A value that is set and queried by one header; :meth:`~Instrument.setting_changed` hears of every set."""

    def __init__(self, pattern: str, parameter: Parameter[T], initial: T) -> None:
        self.pattern, self.parameter, self.initial = pattern, parameter, initial
        if isinstance(parameter, Number) and parameter.standard is None and isinstance(initial, float):
            parameter.standard = initial
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instrument: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instrument: object, owner: type) -> T: ...
    def __get__(self, instrument: object | None, owner: type) -> T | Self:
        if instrument is None:
            return self
        value: T = instrument.__dict__[self.name]
        return value

    def __set__(self, instrument: object, value: T) -> None:
        instrument.__dict__[self.name] = value

    def reset(self, instrument: object) -> None:
        """Take the value of *RST."""
        instrument.__dict__[self.name] = self.initial

    def commands(self) -> Iterator[Command]:
        """The set and the query."""

        def change(instrument: Any, value: T) -> None:
            instrument.__dict__[self.name] = value
            instrument.setting_changed(self.name)

        def show(instrument: Any, limit: str) -> object:
            return self.parameter.show(self.parameter.limit(limit) if limit else instrument.__dict__[self.name])

        yield Command(self.pattern, (self.parameter,), change)
        yield Command(self.pattern + "?", (_Limit(),), show)


class SettingTable(Generic[T]):
    """The same setting once for each of several functions; the attribute is a dict from key to value."""

    def __init__(
        self, pattern: str, parameter: Parameter[T], initial: T, over: Mapping[str, str], **special: T
    ) -> None:
        self.pattern, self.parameter, self.over = pattern, parameter, over
        self.initial = {key: special.get(key, initial) for key in over}
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instrument: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instrument: object, owner: type) -> dict[str, T]: ...
    def __get__(self, instrument: object | None, owner: type) -> dict[str, T] | Self:
        if instrument is None:
            return self
        values: dict[str, T] = instrument.__dict__[self.name]
        return values

    def __set__(self, instrument: object, value: dict[str, T]) -> None:
        instrument.__dict__[self.name] = value

    def reset(self, instrument: object) -> None:
        """Take the values of *RST."""
        instrument.__dict__[self.name] = dict(self.initial)

    def commands(self) -> Iterator[Command]:
        """The sets and the queries."""

        def change(instrument: Any, key: str, value: T) -> None:
            instrument.__dict__[self.name][key] = value
            instrument.setting_changed(self.name)

        def show(instrument: Any, key: str, limit: str) -> object:
            return self.parameter.show(self.parameter.limit(limit) if limit else instrument.__dict__[self.name][key])

        yield from _spellings(self.pattern, (self.parameter,), change, self.over)
        yield from _spellings(self.pattern + "?", (_Limit(),), show, self.over)


_KEPT: Any = object()


class _OrKept(Parameter[Any]):
    """A value, or nothing, which keeps the old one."""

    def __init__(self, each: Parameter[Any]) -> None:
        super().__init__(default=_KEPT)
        self.parse = each.parse  # type: ignore[method-assign]


class IndexedSetting:
    """Values kept once for each value of a first argument: ``RAMP 1,ON,2.5`` and ``RAMP? 1``.

    The attribute is a dict from that argument to a tuple of the values; without an ``index`` its only key is None.
    ``initial`` is one tuple for all ``keys``, or a dict. With ``sparse`` a value that is left out, or left empty
    between commas, stays as it was.
    """

    def __init__(
        self,
        pattern: str,
        index: Parameter[Any] | None,
        keys: Iterable[Any],
        fields: tuple[Parameter[Any], ...],
        initial: tuple[Any, ...] | Mapping[Any, tuple[Any, ...]],
        *,
        sparse: bool = False,
    ) -> None:
        self.pattern, self.fields = pattern, fields
        self.index = (index,) if index is not None else ()
        self.initial = {key: initial[key] if isinstance(initial, Mapping) else initial for key in keys}
        self.taken = tuple(map(_OrKept, fields)) if sparse else fields
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instrument: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instrument: object, owner: type) -> dict[Any, tuple[Any, ...]]: ...
    def __get__(self, instrument: object | None, owner: type) -> dict[Any, tuple[Any, ...]] | Self:
        if instrument is None:
            return self
        values: dict[Any, tuple[Any, ...]] = instrument.__dict__[self.name]
        return values

    def __set__(self, instrument: object, value: dict[Any, tuple[Any, ...]]) -> None:
        instrument.__dict__[self.name] = value

    def reset(self, instrument: object) -> None:
        """Take the values of *RST."""
        instrument.__dict__[self.name] = dict(self.initial)

    def commands(self) -> Iterator[Command]:
        """The set and the query."""

        def change(instrument: Any, *arguments: Any) -> None:
            key, values = self._cut(arguments)
            table = instrument.__dict__[self.name]
            pairs = zip(table[key], values, strict=True)
            table[key] = tuple(old if new is _KEPT else new for old, new in pairs)
            instrument.setting_changed(self.name)

        def show(instrument: Any, *arguments: Any) -> bytes:
            key, _ = self._cut(arguments)
            pairs = zip(self.fields, instrument.__dict__[self.name][key], strict=True)
            return b",".join(instrument.written(field.show(value)) for field, value in pairs)

        yield Command(self.pattern, (*self.index, *self.taken), change)
        yield Command(self.pattern + "?", self.index, show)

    def _cut(self, arguments: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Return the key and the values of a command's arguments."""
        key, values = (arguments[0], arguments[1:]) if self.index else (None, arguments)
        if key not in self.initial:
            raise CommandFailed(-222)
        return key, values


def setting(pattern: str, parameter: Parameter[T], initial: T) -> Setting[T]:
    """Declare a kept value with its set and query, and what it is after *RST."""
    return Setting(pattern, parameter, initial)


AnySetting = Setting[Any] | SettingTable[Any] | IndexedSetting
KINDS = (Setting, SettingTable, IndexedSetting)


def declared(cls: type) -> tuple[list[Command], list[AnySetting]]:
    """Return the commands and settings of a class; what a derived class declares comes later and wins."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        members.update(vars(base))
    settings = [member for member in members.values() if isinstance(member, KINDS)]
    commands: list[Command] = []
    for member in members.values():
        if isinstance(member, KINDS):
            commands.extend(member.commands())
        else:
            commands.extend(getattr(member, "declared_commands", ()))
    return commands, settings
