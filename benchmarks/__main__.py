"""Prints one Markdown table: what was measured, and what it must reach."""

from __future__ import annotations

import sys

from benchmarks import command_line, network, scaling, shot


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    suites = {
        "command-line": command_line.measure,
        "shot": shot.measure,
        "scaling": scaling.measure,
        "network": network.measure,
    }
    chosen = sys.argv[1:] or list(suites)
    print("| what | measured | must reach |\n|---|---|---|")
    for name in chosen:
        for what, measured, limit in suites[name]():
            print(f"| {what} | {measured} | {limit} |", flush=True)


if __name__ == "__main__":
    main()
