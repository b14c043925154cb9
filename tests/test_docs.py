"""The documents: their commands and Python blocks are run in a copy of the laboratory, their links lead somewhere.

A fence that names a file (``title="sims/fluxgate.py"``) is written there; other ``python`` fences are run as scripts, and
the lines of ``sh`` fences that begin with ``spinlab`` as commands, in the order of the document. To be quick, one process
runs all of them, ``shots`` becomes 1, and what would run on the wall clock is only checked, as is ``spinlab serve``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LABORATORY = ("devices", "plans", "profiles", "sims")
DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
EVERY_TEXT = [*DOCUMENTS, *sorted(f"docs/decisions/{path.name}" for path in (ROOT / "docs/decisions").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
LONGEST_LINE = 140
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

RUNNER = r"""
import contextlib, io, json, pathlib, sys, traceback

def command(words):
    from spinlab.cli import main
    if words[0] == "serve":
        return parse(words)
    for profile in ("profiles/sim-realtime.toml", "profiles/network.toml"):
        if profile in words:
            return check(words, profile)
    sys.argv = ["spinlab", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, f"exit code {end.code}"

def parse(words):
    import typer
    from spinlab.cli import app
    commands = typer.main.get_command(app)
    commands.commands[words[0]].make_context(words[0], words[1:])

def check(words, profile):
    from spinlab.plan_parameters import parse_assignments
    from spinlab.profile import load_profile
    from spinlab.session import Session
    with Session(load_profile(profile)) as session:
        session.bind(words[1], parse_assignments(word for word in words[2:] if "=" in word))

def write(path, text):
    path = pathlib.Path(path)
    assert not path.exists(), f"{path} is a file of the laboratory already"
    path.write_text(text)

faults = {}
for document, place, kind, content in json.load(sys.stdin):
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            if kind == "command":
                command(content)
            elif kind == "python":
                exec(compile(content, place, "exec"), {"__name__": "__main__"})
            else:
                write(kind, content)
    except BaseException:
        faults.setdefault(document, []).append(f"{place}: {content}\n{output.getvalue()}{traceback.format_exc()}")
print(json.dumps(faults))
"""


def steps(document: str) -> list[tuple[str, str, str, str | list[str]]]:
    """(document, place, "command" | "python" | path of a file, content) of everything a document has one do."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found: list[tuple[str, str, str, str | list[str]]] = []
    for fence in FENCE.finditer(text):
        language, title, body = fence.groups()
        place = f"{document}:{text.count(chr(10), 0, fence.start()) + 2}"
        if title:
            found.append((document, place, title, body))
        elif language == "python":
            found.append((document, place, "python", body))
        elif language == "sh":
            found += [(document, place, "command", words) for words in map(command_of, body.splitlines()) if words]
    return found


def command_of(line: str) -> list[str]:
    """The arguments of a ``spinlab`` command, with one shot; nothing for other lines."""
    words = shlex.split(line, comments=True)
    return [re.sub(r"^shots=.*", "shots=1", word) for word in words[1:]] if words[:1] == ["spinlab"] else []


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What went wrong, by document."""
    laboratory = tmp_path_factory.mktemp("a laboratory")
    for name in LABORATORY:
        shutil.copytree(ROOT / name, laboratory / name, ignore=shutil.ignore_patterns("__pycache__"))
    work = [step for document in DOCUMENTS for step in steps(document)]
    ended = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        cwd=laboratory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", "PATH": PATH},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[str]] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_everything_a_document_has_one_do_works(document: str, faults: dict[str, list[str]]) -> None:
    assert not faults.get(document), "\n".join(faults[document])


def test_the_first_document_and_the_tutorial_have_something_to_do() -> None:
    assert all(len(steps(document)) >= 3 for document in ("README.md", "docs/tutorial.md"))


@pytest.mark.parametrize("document", EVERY_TEXT)
def test_links_lead_somewhere_and_lines_are_short(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []
    assert [line for line in text.splitlines() if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("record", EVERY_TEXT[len(DOCUMENTS) :])
def test_a_decision_record_is_short_and_says_context_decision_consequences(record: str) -> None:
    lines = (ROOT / record).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
