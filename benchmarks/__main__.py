"""Prints one Markdown table: what was measured, and what it must reach."""

from __future__ import annotations

import sys
from importlib import import_module

SUITES = ("command-line", "shot", "scaling", "two-mode", "spatial", "collisions", "network")


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    chosen = sys.argv[1:] or SUITES
    for name in chosen:
        if name not in SUITES:
            sys.exit(f"no benchmark {name!r}: there are {', '.join(SUITES)}")
    print("| what | measured | must reach |\n|---|---|---|")
    for name in chosen:
        for what, measured, limit in import_module(f"benchmarks.{name.replace('-', '_')}").measure():
            print(f"| {what} | {measured} | {limit} |", flush=True)


if __name__ == "__main__":
    main()
