"""The ``spinlab`` command: every subcommand is a call that a notebook can make."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinlab.errors import BadInput, SpinlabError

if TYPE_CHECKING:
    from spinlab.profile import Profile

app = typer.Typer(
    name="spinlab",
    help="Plan, rehearse and run alkali / noble-gas spin experiments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ProfilePath = Annotated[Path, typer.Option("--profile", "-p", help="The laboratory's profile.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the simulated noise, instead of the profile's.")]
DEFAULT_PROFILE = Path("profiles/sim.toml")


@app.command()
def run(
    plan: Annotated[str, typer.Argument(help="Name of the plan; see `spinlab plans`.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(help='Plan parameters: shots=3 storage_times="50 ms, 1 s".')
    ] = None,
    profile: ProfilePath = DEFAULT_PROFILE,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Run a plan; data goes to the records folder. Exit codes: 0 done, 1 the run failed (data kept), 2 bad input."""
    _run(plan, parameters, _profile(profile, seed), as_json)


@app.command()
def record(
    transcript: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    plan: Annotated[str, typer.Argument(help="Name of the plan; see `spinlab plans`.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Plan parameters, as for `spinlab run`.")] = None,
    profile: ProfilePath = DEFAULT_PROFILE,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Run a plan and write the VISA traffic, of real boxes or virtual ones, to a transcript."""
    _run(plan, parameters, _profile(profile, seed), as_json, transcript)


@app.command()
def replay(
    transcript: Annotated[Path, typer.Argument(help="What `spinlab record` wrote.")],
    profile: ProfilePath = DEFAULT_PROFILE,
    tolerance: Annotated[float, typer.Option(min=0.0, help="Relative, of numbers.")] = 1e-6,
    measured: Annotated[
        list[str] | None, typer.Option(help="Regular expression of further queries that measure; may be repeated.")
    ] = None,
    serials: Annotated[bool, typer.Option("--serials", help="Compare serial numbers and firmware too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the virtual instruments with a transcript. Exit codes: 0 they agree, 1 they differ, 2 bad input."""
    from spinlab.replay import MEASURED, Rules, show
    from spinlab.replay import replay as replay_exchanges
    from spinlab.transcript import read_transcript

    rules = Rules(tolerance, (*MEASURED, *_expressions(measured or [])), serials)
    report = replay_exchanges(read_transcript(transcript), _profile(profile), rules)
    if as_json:
        print(json.dumps(report.as_document()))
    else:
        show(report, transcript)
    if report.differences:
        raise typer.Exit(1)


def _expressions(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise BadInput(f"--measured {pattern!r} is no regular expression: {error}") from None
    return patterns


def _run(
    plan: str, parameters: list[str] | None, profile: Profile, as_json: bool, transcript: Path | None = None
) -> None:
    from spinlab.display import RunDisplay, show_outcome
    from spinlab.plan_parameters import parse_assignments
    from spinlab.session import Session

    values = parse_assignments(parameters or [])
    with Session(profile) as session:
        if transcript is not None:
            session.record_traffic(transcript)
        display = None if as_json else RunDisplay()
        try:
            outcome = session.run(plan, values, display, display.begin if display else None)
        finally:
            if display:
                display.close()
    if as_json:
        print(json.dumps(outcome.as_document()))
    else:
        show_outcome(outcome)
    if outcome.problem:
        _complain(outcome.problem)
        raise typer.Exit(1)


@app.command()
def plans(profile: ProfilePath = DEFAULT_PROFILE, as_json: AsJson = False) -> None:
    """List the laboratory's plans: what each does, its parameters with units and defaults."""
    from spinlab.plan_parameters import describe
    from spinlab.session import plans_of

    signatures = [describe(function, name) for name, function in sorted(plans_of(_profile(profile)).items())]
    if as_json:
        print(json.dumps([signature.as_document() for signature in signatures]))
        return
    for signature in signatures:
        print(f"{signature.name}: {signature.summary}")
        for parameter in signature.values:
            default = f"= {parameter.default_text}" if not parameter.required else "(required)"
            print(f"    {parameter.name:16} {parameter.type_text:12} {default}")
            if parameter.doc:
                print(f"    {'':16} {parameter.doc}")
        print()


@app.command()
def runs(profile: ProfilePath = DEFAULT_PROFILE, as_json: AsJson = False) -> None:
    """List the recorded runs, oldest first."""
    from spinlab.analysis.result import Table
    from spinlab.display import print_table
    from spinlab.records import list_runs

    directory = _profile(profile).records_directory
    found = [run_summary(entry) for entry in list_runs(directory)]
    if as_json:
        print(json.dumps(found))
    elif not found:
        print(f"no runs in {directory}")
    else:
        keys = ("uid", "time", "plan", "exit_status", "shots", "folder")
        print_table(Table(keys, tuple(tuple(str(each[key]) for key in keys) for each in found)))


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The beginning of a run's uid, or `last`.")],
    profile: ProfilePath = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> None:
    """Show a recorded run: how it was made, how it ended, what it holds, its result."""
    from spinlab.records import find_run
    from spinlab.reports import describe_run, run_document

    found = find_run(_profile(profile).records_directory, run)
    if as_json:
        print(json.dumps(run_document(found)))
    else:
        describe_run(found)


@app.command()
def design(
    parameters: Annotated[
        list[str] | None, typer.Argument(help='What differs from the paper: alkali=Rb-87 temperature="150 degC".')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what a mixture will do: coupling, fields, decay, transfer, storage, each with where it comes from."""
    from spinlab.design import design, show_design
    from spinlab.plan_parameters import parse_assignments

    found = design(parse_assignments(parameters or [], "parameter of the design", 'temperature="150 degC"'))
    if as_json:
        print(json.dumps(found.as_document()))
    else:
        show_design(found, sys.stdout.isatty())


def run_summary(entry: Any) -> dict[str, Any]:
    """One line of ``spinlab runs``."""
    from spinlab.reports import summary

    return summary(entry)


def main() -> None:
    """Entry point: turns every error that is spinlab's own into one clear line and its exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a second thread would only wait: our matrices are small
    try:
        app()
    except SpinlabError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _complain("interrupted")
        sys.exit(1)
    finally:
        # all is done and said: a late Ctrl-C must not change the exit code
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _profile(path: Path, seed: int | None = None) -> Profile:
    from spinlab.profile import load_profile

    if path == DEFAULT_PROFILE and not path.exists():
        raise BadInput(
            f"there is no {DEFAULT_PROFILE} in {Path.cwd()}: go to a laboratory's folder, or name its profile with --profile"
        )
    return load_profile(path, seed)


def _complain(message: str) -> None:
    for line in message.splitlines():
        print(f"spinlab: {line}", file=sys.stderr)
