"""The errors a person may see, each with the exit code the command line gives it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpinlabError(Exception):
    """Base of every error that spinlab raises on purpose; the message is one clear line."""

    exit_code = 1


class BadInput(SpinlabError):
    """What the user asked for cannot be done: names the value, the rule and what to do. Nothing was touched."""

    exit_code = 2


class RunFailed(SpinlabError):
    """A run started and could not finish; everything measured so far is on disk."""


class InstrumentError(SpinlabError):
    """An instrument refused a command, or answered something that is outside its own grammar."""


class Rebooted(InstrumentError):
    """An instrument was switched off and on: it does what it is told, but what was set before is gone."""


class Deadlock(SpinlabError):
    """A plan waits for something that no timer can bring about any more."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name closest to ``name``, or nothing if none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
