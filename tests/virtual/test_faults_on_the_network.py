"""Faults on demand over TCP: the same as in process, and no other client hears of them."""

from __future__ import annotations

import contextlib

import pytest

from spinlab.virtual.faults import Faults
from tests.virtual.network import IDENTITY, Client, HislipClient, Served


@pytest.fixture
def faults(served: Served) -> Faults:
    return Faults({"lamp": served.server._stations[0].instrument}, seed=1)


def test_a_dropped_connection_ends_that_client_and_no_other(served: Served, faults: Faults) -> None:
    with Client(served.port()) as other, Client(served.port()) as client:
        assert other.ask("*IDN?") == IDENTITY
        faults.arm("lamp", "dropped connection", matching="OUTP")
        client.send(b"OUTP?\nOUTP ON\n")
        client.wait_until_closed()
        assert other.ask("OUTP?") == "0"
    with Client(served.port()) as again:
        assert again.ask("*IDN?") == IDENTITY


def test_a_dropped_hislip_session_loses_both_channels(served: Served, faults: Faults) -> None:
    faults.arm("lamp", "dropped connection")
    with HislipClient(served.hislip_port()) as client:
        client.write(b"*IDN?")
        for channel in (client.sync, client.asynchronous):
            with contextlib.suppress(ConnectionError):
                assert channel.recv(1) == b""
    with HislipClient(served.hislip_port()) as again:
        again.write(b"*IDN?")
        assert again.read().decode().strip() == IDENTITY


def test_a_truncated_reply_has_no_end(served: Served, faults: Faults) -> None:
    faults.arm("lamp", "truncated reply")
    with Client(served.port()) as client:
        client.send(b"*IDN?\n")
        assert client.ask("SOUR:SHAP?").endswith("SIN")
        assert served.traffic[-1].data == b"SIN"


def test_a_late_reply_is_late(served: Served, faults: Faults) -> None:
    faults.arm("lamp", "late reply", delay=0.3)
    with Client(served.port()) as client:
        began = served.clock.now()
        assert client.ask("*IDN?") == IDENTITY
        assert served.clock.now() - began >= 0.3
