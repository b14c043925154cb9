"""A profile brought to life: clock, bench or boxes, devices, engine, plans, records."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager as ContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from spinlab.clock import Clock, VirtualClock, WallClock, wall_seconds
from spinlab.errors import BadInput, Rebooted, RunFailed, SpinlabError, nearest
from spinlab.laboratory import load, load_module
from spinlab.measurement import Measurement, measurement_of
from spinlab.models import calibration_of
from spinlab.plan_parameters import Bound, bind, describe
from spinlab.profile import Profile

if TYPE_CHECKING:
    from spinlab.analysis.result import Result
    from spinlab.engine import LabEngine
    from spinlab.transcript import TranscriptWriter
    from spinlab.visa import VisaDevice

PlanFunction = Callable[..., Any]
Analysis = Callable[..., Any]
Observer = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``exit_status`` as in its stop document; ``problem`` says in a line what went wrong, if anything.

    ``lab_time_s`` is the clock's, ``wall_time_s`` what it really took, analysis included. ``result`` is None when there was
    too little to analyse; ``paths`` name the run's folder and what is in it.
    """

    plan: str
    uid: str
    exit_status: str
    lab_time_s: float
    wall_time_s: float
    result: Result | None
    paths: dict[str, Path] = field(default_factory=dict)
    problem: str = ""

    def as_document(self) -> dict[str, Any]:
        """The JSON object that ``spinlab run --json`` prints."""
        return {
            "uid": self.uid,
            "plan": self.plan,
            "exit_status": self.exit_status,
            "problem": self.problem,
            "lab_time_s": self.lab_time_s,
            "wall_time_s": self.wall_time_s,
            "result": self.result.values if self.result else None,
            "paths": {name: str(path) for name, path in self.paths.items()},
        }


class Session:
    """One laboratory on one clock; a context manager that leaves it in its safe state.

    Building one touches no instrument: the boxes are opened and identified before the first run.
    """

    def __init__(self, profile: Profile) -> None:
        os.environ.setdefault("OPHYD_CONTROL_LAYER", "dummy")  # ours is VISA; others would start threads
        self.profile = profile
        _check_faults(profile)
        self.clock: Clock = _clock_of(profile)
        self.plans = plans_of(profile)
        self.bench: Any = None
        self._managers: dict[str, Any] = {}
        self.devices: dict[str, VisaDevice] = {name: self._device(name) for name in profile.devices}
        self._engine: LabEngine | None = None
        self._connected = False
        self._safe_at = -1
        self._transcript: TranscriptWriter | None = None
        self.unsafe: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- running ---------------------------------------------------------------------------------------------------

    def plan(self, name: str) -> PlanFunction:
        """A plan by its name; raises BadInput with the nearest one."""
        if name not in self.plans:
            known = ", ".join(sorted(self.plans))
            raise BadInput(f"no plan {name!r}{nearest(name, self.plans)}: this laboratory has {known}")
        return self.plans[name]

    def bind(self, name: str, parameters: Mapping[str, Any]) -> Bound:
        """Check a plan's parameters (texts or values, over the profile's defaults) and give it its devices."""
        known: dict[str, Any] = {**self.devices, "calibration": calibration_of(self.profile)}
        return bind(describe(self.plan(name), name), parameters, known, self.profile.plan_defaults.get(name))

    def run(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        observer: Observer | None = None,
        begin: Callable[[Measurement, LabEngine], None] | None = None,
    ) -> Outcome:
        """Run a plan to its end, bring the laboratory to its safe state, analyse what was recorded.

        ``observer(name, document)`` hears the documents, ``begin(measurement, engine)`` is called once all input was
        checked and every box answers. Raises BadInput before any box is touched; what goes wrong later is in the outcome.
        """
        began = wall_seconds()
        function = self.plan(name)
        bound = self.bind(name, parameters or {})
        plan = function(**bound.kwargs)
        measurement = measurement_of(function)
        assert measurement is not None  # self.plans holds nothing else
        analyse = load(measurement.analysis, self.profile.root)
        engine = self.engine
        lab_began = self.clock.now()
        problem = ""
        with engine.interruption, one_blas_thread():
            writer = self._writer()
            engine.recorder = writer
            token = engine.subscribe(observer) if observer else None
            try:
                self.connect()
                if begin:
                    begin(measurement, engine)
                engine(plan, **self._metadata(name, bound))
            except Exception as error:
                problem = self._explained(error)
            finally:
                with engine.interruption.shielded():
                    self.make_safe()
                if token is not None:
                    engine.unsubscribe(token)
                writer.close()
                engine.recorder = None
            if engine.interrupted_by:  # a second Ctrl-C, meant for the run, must not take its outcome away
                return self._outcome(name, analyse, writer, problem, (began, lab_began))
        with one_blas_thread():
            return self._outcome(name, analyse, writer, problem, (began, lab_began))

    def _outcome(self, name: str, analyse: Analysis, writer: Any, problem: str, began: tuple[float, float]) -> Outcome:
        lab_time = self.clock.now() - began[1]
        if self.unsafe:
            problem = "; ".join(filter(None, [problem, *self.unsafe]))
        if problem:
            self._connected = False  # nobody knows what a box has kept of its settings: initialise all of them again
        if writer.path is None:
            raise RunFailed(problem or "the plan ended without opening a run")
        from spinlab.records import open_run

        run = open_run(writer.path)
        status = str((run.stop or {}).get("exit_status", "fail"))
        result, analysis_problem = self._analyse(analyse, run)
        if status == "success" and analysis_problem:
            problem = "; ".join(filter(None, [problem, analysis_problem]))
        paths = {"run": writer.path}
        if result:
            paths |= self._keep(result, writer.path)
        outcome = Outcome(
            name,
            str(run.start["uid"]),
            "fail" if problem and status == "success" else status,
            lab_time,
            wall_seconds() - began[0],
            result,
            paths,
            problem,
        )
        (writer.path / "outcome.json").write_text(json.dumps(outcome.as_document(), indent=1) + "\n")
        return outcome

    def _analyse(self, analyse: Analysis, run: Any) -> tuple[Result | None, str]:
        try:
            return analyse(run, self.profile), ""
        except SpinlabError as error:
            return None, str(error)

    def _keep(self, result: Result, folder: Path) -> dict[str, Path]:
        figure = folder / "figure.png"
        result.draw(figure)
        return {"figure": figure, "outcome": folder / "outcome.json"}

    def _explained(self, error: Exception) -> str:
        from bluesky.utils import RunEngineInterrupted

        from spinlab.engine import explain

        if isinstance(error, RunEngineInterrupted):
            if self.engine.state == "paused":
                self.engine.abort("a plan that paused has nobody to resume it")
            return f"interrupted by {self.engine.interrupted_by or 'a pause'}"
        return explain(error)

    def _metadata(self, name: str, bound: Bound) -> dict[str, Any]:
        from spinlab import __version__

        return {
            "spinlab": __version__,
            "plan_parameters": dict(bound.parameters),
            "profile": self.profile.as_document(),
            "profile_name": self.profile.path.name,
            "seed": self.profile.seed,
        }

    def _writer(self) -> Any:
        from spinlab.records import RunWriter

        return RunWriter(self.profile.records_directory)

    # -- devices ---------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> LabEngine:
        """The RunEngine of this session."""
        if self._engine is None:
            from spinlab.engine import LabEngine

            self._engine = LabEngine(self.clock)
        return self._engine

    def connect(self) -> None:
        """Open and identify every box that is not open yet; raises InstrumentError naming the one that fails."""
        if not self._connected:
            for device in self.devices.values():
                device.connect()
            self._connected = True

    def record_traffic(self, path: Path) -> None:
        """Write all VISA traffic from now on to a transcript; raises BadInput when there can be none at ``path``."""
        from spinlab.transcript import TranscriptWriter

        addresses = {name: device.link.address for name, device in self.devices.items()}
        self._transcript = TranscriptWriter(path, self.clock, self.profile.path.name, addresses)
        for name, device in self.devices.items():
            device.link.tap = self._transcript.tap(name)

    def make_safe(self) -> None:
        """Bring every connected device to its safe state, in the profile's order; failures end up in ``unsafe``.

        Nothing is sent when nothing was since the last time: the engine calls this once per device.
        """
        if self._exchanges() == self._safe_at:
            return
        self.unsafe = []
        for step in self.profile.safe_state:
            device = self.devices[step.device]
            if not device.link.is_open:
                continue
            try:
                device.make_safe()
            except Rebooted as error:
                self.unsafe.append(str(error))  # it is safe, but what it measured last may be wrong
            except Exception as error:
                self.unsafe.append(f"{step.device} could NOT be brought to its safe state: {error}")
        self._safe_at = self._exchanges()

    def close(self) -> None:
        """Safe state, links closed, clock stopped; harmless when done twice."""
        self.make_safe()
        for device in self.devices.values():
            device.link.close()
        if self._transcript is not None:
            self._transcript.close()
        for manager in self._managers.values():
            manager.close()
        self._managers.clear()
        self.clock.close()

    def _exchanges(self) -> int:
        return sum(device.link.exchanges for device in self.devices.values())

    def _device(self, name: str) -> VisaDevice:
        from spinlab.link import VisaLink
        from spinlab.visa import Surroundings, read_settings

        entry = self.profile.devices[name]
        kind = load(entry.class_, self.profile.root)
        settings = read_settings(kind, name, entry.settings)
        link = VisaLink(lambda: self._open(name), entry.address, name)
        device: VisaDevice = kind(name, link, settings, Surroundings(self.clock, self.make_safe))
        return device

    def _open(self, name: str) -> Any:
        manager = self._manager(self.profile.library_of(name))
        resource = manager.open_resource(self.profile.devices[name].address)
        resource.timeout = self.profile.timeout_of(name) * 1e3
        resource.read_termination = "\n"
        return resource

    def _manager(self, library: str) -> Any:
        if library not in self._managers:
            import pyvisa

            self._managers[library] = pyvisa.ResourceManager(
                self._simulated() if library == "sim" else _installed(library)
            )
        return self._managers[library]

    def _simulated(self) -> Any:
        """The twin bench of the profile, behind a VISA library object of its own."""
        from spinlab.virtual.visalib import SpinlabVisaLibrary

        self.bench = load(self.profile.bench.factory, self.profile.root)(self.profile, self.clock)
        return SpinlabVisaLibrary.for_bench(self.profile.bench_yaml, self.bench.instruments, self.clock)


def _installed(library: str) -> str:
    """Return the name of a VISA library; raises BadInput when its back end is not installed."""
    from pyvisa.highlevel import get_wrapper_class

    _, at, back_end = library.rpartition("@")
    try:
        if at:
            get_wrapper_class(back_end)
    except ValueError as error:
        hint = ": pip install 'spinlab-control[network]'" if back_end == "py" else ""
        raise BadInput(f"VISA library {library!r} is not there ({error}){hint}") from None
    return library


def one_blas_thread() -> ContextManager[Any]:
    """Inside, BLAS takes one thread: our matrices are small, and a second thread spins while it waits for the first."""
    from threadpoolctl import threadpool_limits

    limits: ContextManager[Any] = threadpool_limits(1, "blas")
    return limits


def _check_faults(profile: Profile) -> None:
    """Raise BadInput for a fault that is planned for an instrument which the bench does not have."""
    if not profile.bench.faults:
        return
    from spinlab.virtual.labfile import LabFile

    lab = LabFile.read(profile.bench_yaml)
    roles = lab.addresses if lab else {}
    for index, fault in enumerate(profile.bench.faults):
        if fault.instrument not in roles:
            raise BadInput(
                f"{profile.path.name}: bench.faults[{index}].instrument: "
                f"no instrument {fault.instrument!r}{nearest(fault.instrument, roles)}"
            )


def _clock_of(profile: Profile) -> Clock:
    if profile.clock == "virtual":
        return VirtualClock(profile.epoch.isoformat(), profile.budget)
    return WallClock()


def plans_of(profile: Profile) -> dict[str, PlanFunction]:
    """The measurements in the modules that a profile names, by name."""
    found: dict[str, PlanFunction] = {}
    for name in profile.plans.modules:
        module = load_module(name, profile.root)
        for public in getattr(module, "__all__", dir(module)):
            candidate = getattr(module, public)
            if callable(candidate) and measurement_of(candidate):
                found[public] = candidate
    return found
