"""Ophyd devices over VISA: one link per box, signals that carry the clock's time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ophyd import Device, Signal
from pydantic import BaseModel, ConfigDict, ValidationError

from spinlab.errors import BadInput, InstrumentError, nearest
from spinlab.link import VisaLink

if TYPE_CHECKING:
    from spinlab.clock.base import Clock
    from spinlab.clock.status import ClockStatus


class ClockSignal(Signal):  # type: ignore[misc]  # Ophyd is untyped
    """A value with the clock's time; ``set`` is done at once, on the caller's thread."""

    def put(self, value: Any, **kwargs: Any) -> None:
        """Store a value as of now."""
        clock: Clock = self.parent.clock
        kwargs.setdefault("timestamp", clock.timestamp())
        super().put(value, force=True, **kwargs)

    def set(self, value: Any, **_: Any) -> ClockStatus:
        """Store a value; returns a finished status."""
        self.put(value)
        clock: Clock = self.parent.clock
        status = clock.status(self.name, "set")
        status.set_finished()
        return status


class DeviceSettings(BaseModel):
    """What a profile may say about a device; a kind of instrument adds its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Surroundings:
    """What the session gives to a device beside its link."""

    clock: Clock
    make_safe: Callable[[], None]


class VisaDevice(Device):  # type: ignore[misc]  # Ophyd is untyped
    """An Ophyd device over one VISA link.

    A subclass names the ``Settings`` a profile may give it and the ``models`` whose ``*IDN?`` it accepts, and says how
    it is brought to its safe state. ``stop`` (which the engine calls on every device it has set, in no order) makes
    the whole laboratory safe in the profile's order; ``make_safe`` is this device's part of it.
    """

    Settings: ClassVar[type[DeviceSettings]] = DeviceSettings
    models: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, link: VisaLink, settings: DeviceSettings, surroundings: Surroundings) -> None:
        self.link = link
        self.settings = settings
        self.clock = surroundings.clock
        self._make_all_safe = surroundings.make_safe
        self._done: ClockStatus | None = None
        super().__init__(name=name)

    def connect(self) -> str:
        """Open the link, check that the right kind of box answers, bring it to a known state; returns ``*IDN?``."""
        identity = self.link.query("*IDN?")
        if not any(model in identity for model in self.models):
            raise InstrumentError(
                f"{self.name}: {self.link.address} answers {identity!r}, expected a {' or '.join(self.models)}"
            )
        self.link.identity = identity
        self.initialise()
        return identity

    def initialise(self) -> None:
        """Put the box into the state that every plan may assume."""

    def look(self) -> None:
        """Make sure that the box still is as it was set; raises InstrumentError when it is not."""

    def make_safe(self) -> None:
        """Bring this box to its safe state: quick, repeatable."""

    def stop(self, *, success: bool = False) -> None:
        """Bring the laboratory to its safe state (Bluesky calls this at the end, at a pause and on a fault)."""
        self._make_all_safe()

    def done(self) -> ClockStatus:
        """A status that is already finished; one per device, since nothing tells two of them apart."""
        if self._done is None:
            self._done = self.clock.status(self.name, "done")
            self._done.set_finished()
        return self._done


def read_settings(device_class: type[VisaDevice], name: str, values: dict[str, Any]) -> DeviceSettings:
    """Validate a profile's settings for one device; raises BadInput with one line per fault."""
    model = device_class.Settings
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInput("\n".join(_settings_fault(name, model, fault) for fault in error.errors())) from None


def _settings_fault(name: str, model: type[DeviceSettings], fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"devices.{name}.settings.{key}: unknown key{nearest(key, model.model_fields)}"
    return f"devices.{name}.settings.{key}: {fault['msg']} (got {fault['input']!r})"
