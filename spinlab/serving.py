"""The virtual instruments of a profile on the network: what ``spinlab serve`` does."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spinlab.errors import BadInput

if TYPE_CHECKING:
    from spinlab.profile import Profile
    from spinlab.virtual.server import Address
    from spinlab.virtual.wire import Exchange, Traffic

LOOPBACK = "127.0.0.1"
PORT_BASE = 5025
SHOWN = 160  # bytes of a message that a log shows


def serve(
    profile: Profile,
    ready: Callable[[tuple[Address, ...], Callable[[], None]], None],
    host: str = LOOPBACK,
    port_base: int = PORT_BASE,
    *,
    allow_remote: bool = False,
    traffic: Traffic | None = None,
) -> None:
    """Open the profile's bench on the wall clock and serve its instruments until Ctrl-C or SIGTERM.

    ``ready(addresses, stop)`` is called once every port listens; ``stop()`` ends the serving too, from any thread.
    ``port_base`` 0 takes ports that happen to be free. Raises BadInput when a port cannot be had, and for a ``host``
    that others reach unless ``allow_remote``: SCPI has no authentication.
    """
    host = checked_host(host, allow_remote)
    from spinlab.clock import WallClock
    from spinlab.interruption import Interruption
    from spinlab.laboratory import load
    from spinlab.virtual.server import BenchServer

    clock = WallClock()
    loop = clock.loop
    try:
        ended = asyncio.Event()

        def stop() -> None:
            loop.call_soon_threadsafe(ended.set)

        with Interruption(lambda _: stop()):
            bench: Any = load(profile.bench.factory, profile.root)(profile, clock)
            server = BenchServer(bench.instruments, clock, traffic)
            loop.run_until_complete(_serve(server, host, port_base, lambda addresses: ready(addresses, stop), ended))
    finally:
        clock.close()


async def _serve(
    server: Any, host: str, port_base: int, ready: Callable[[tuple[Address, ...]], None], ended: asyncio.Event
) -> None:
    addresses = await server.open(host, port_base)
    try:
        ready(addresses)
        await ended.wait()
    finally:
        await server.close()


def checked_host(host: str, allow_remote: bool) -> str:
    """Return where to listen; raises BadInput when others could reach it and nobody said that they may."""
    if host.lower() == "localhost":
        return LOOPBACK  # one address, where the name may stand for two
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False  # a name, or all addresses
    if not local and not allow_remote:
        raise BadInput(
            f"host {host!r} can be reached from other computers, and SCPI has no authentication: "
            "say --allow-remote if everybody who reaches it may control the instruments"
        )
    return host


def is_local(host: str) -> bool:
    """Whether only this computer reaches ``host``."""
    with suppress(BadInput):
        checked_host(host, allow_remote=False)
        return True
    return False


def log_line(exchange: Exchange) -> str:
    """One line of the log: when (s since the start), role, client, direction, the beginning of the message."""
    shown = repr(exchange.data[:SHOWN])[2:-1]
    if len(exchange.data) > SHOWN:
        shown += f"… ({len(exchange.data)} bytes)"
    arrow = ">" if exchange.to_instrument else "<"
    return f"{exchange.time:12.6f}  {exchange.role:12} {exchange.client:21} {arrow} {shown}"


def log_to_stderr(exchange: Exchange) -> None:
    """Write a line of the log; one that nobody takes is lost."""
    with suppress(OSError):
        print(log_line(exchange), file=sys.stderr, flush=True)


def show_addresses(addresses: tuple[Address, ...], as_json: bool = False) -> None:
    """Print where the instruments answer, as a table or as one JSON object, at once."""
    if as_json:
        instruments = {
            each.role: {"identity": each.identity, "socket": each.raw, "hislip": each.hislip} for each in addresses
        }
        print(json.dumps({"clock": "wall", "read_termination": "\n", "instruments": instruments}), flush=True)
        return
    rows = [("instrument", "model", "raw socket", "HiSLIP")]
    rows += [(each.role, model_of(each.identity), each.raw, each.hislip) for each in addresses]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:  # never wrapped, so that an address can be copied
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("wall clock; messages and replies end with LF; Ctrl-C ends it", flush=True)


def model_of(identity: str) -> str:
    """The model in a reply to ``*IDN?``."""
    fields = identity.split(",")
    return fields[1].strip() if len(fields) > 1 else identity
