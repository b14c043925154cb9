"""The ``spinlab`` command: every subcommand is a call that a notebook can make."""

from __future__ import annotations

import json
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
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # Typer ships its own click, and does not name this one


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


@app.command()
def serve(
    profile: ProfilePath = DEFAULT_PROFILE,
    port_base: Annotated[
        int, typer.Option(help="Port of the first instrument, the others follow; 0 takes free ones.")
    ] = 5025,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other computers in: SCPI has no authentication.")
    ] = False,
    log: Annotated[bool, typer.Option("--log", help="Write every message and reply to standard error.")] = False,
    as_json: AsJson = False,
    seed: Seed = None,
) -> None:
    """Serve the virtual instruments over TCP, on the wall clock, until Ctrl-C."""
    from spinlab.serving import is_local, log_to_stderr, show_addresses
    from spinlab.serving import serve as serve_profile

    def ready(addresses: Any, _: Any) -> None:
        if not is_local(host):
            _complain(f"WARNING: SCPI has no authentication: whoever reaches {host} controls these instruments")
        show_addresses(addresses, as_json)

    traffic = log_to_stderr if log else None
    serve_profile(_profile(profile, seed), ready, host, port_base, allow_remote=allow_remote, traffic=traffic)


@app.command()
def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as 2b 3a, or 3 for all of figure 3; none: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="Stronger and fewer collisions, fewer modes: seconds, not minutes.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for pictures and data.")] = Path("figures"),
    seed: Annotated[int, typer.Option(help="Seed of figure 3's random collisions.")] = 0,
    incoherent: Annotated[
        str, typer.Option(help="Excitations figure 4 starts with: formula, (1 - p)/2p, or paper, 0.05 and 0.17.")
    ] = "formula",
    rates: Annotated[
        str, typer.Option(help="J and γ of figure 4: paper, as printed, or formula, from densities and polarizations.")
    ] = "paper",
    compensation: Annotated[
        str, typer.Option(help="Field of figure 3: paper, half the mean angle a step, or exact resonance.")
    ] = "paper",
    as_json: AsJson = False,
) -> None:
    """Compute and draw the paper's figures 2, 3 and 4: a PNG and a CSV file with units and parameters each."""
    from contextlib import nullcontext

    from spinlab.figures import Options, chosen, output_folder, reproduce
    from spinlab.figures.display import FiguresDisplay

    options = Options(quick, seed, incoherent, rates, compensation)  # type: ignore[arg-type]  # checked there
    wanted = [figure.name for figure in chosen(names or [])]
    folder = output_folder(out)
    try:
        with nullcontext() if as_json else FiguresDisplay(len(wanted)) as display:
            made = reproduce(wanted, folder, options, display)
    except KeyboardInterrupt:
        raise SpinlabError(f"interrupted; what is in {folder} is whole") from None
    if as_json:
        print(json.dumps({"quick": quick, "folder": str(folder), "figures": [each.as_document() for each in made]}))


def run_summary(entry: Any) -> dict[str, Any]:
    """One line of ``spinlab runs``."""
    from spinlab.reports import summary

    return summary(entry)


def main() -> None:
    """Entry point: turns every error that is spinlab's own, or of the command line, into one clear line and its exit code."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except SpinlabError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except USAGE_ERROR as error:
        _complain(_usage(error))
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        sys.exit(1)
    finally:
        # all is done and said: a late Ctrl-C must not change the exit code
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _usage(error: Any) -> str:
    """What is wrong with the command line, and where to look; nothing when the help was printed instead."""
    message = error.format_message().strip()
    return f"{message} (see `{error.ctx.command_path} --help`)" if message and error.ctx else message


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
