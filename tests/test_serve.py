"""``spinlab serve`` as a process of its own, and the laboratory that is reached through it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from spinlab.errors import BadInput
from spinlab.profile import load_profile
from spinlab.serving import PORT_BASE, checked_host, log_line
from spinlab.virtual.server import HISLIP_OFFSET, address
from spinlab.virtual.wire import Exchange
from tests.command_line import ROOT, CopiedLaboratory, Ended, end
from tests.virtual.network import Client, HislipClient
from tests.virtual.test_tcp import free_base

IDENTITIES = {
    "coil": "6221", "pump": "LDC502", "probe": "LDC501", "polarimeter": "DMM7510", "timing": "DG645",
    "oven": "MODEL336", "multimeter": "DMM6500",
}  # fmt: skip
DEVICES = tuple(role for role in IDENTITIES if role != "multimeter")  # which no plan of ours uses


class Serving:
    """A server that runs: its process, and where its instruments answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, end(process).err
        self.instruments: dict[str, dict[str, str]] = json.loads(first)["instruments"]

    def port(self, role: str, kind: str = "socket") -> int:
        number = re.search(r"::(?:hislip0,)?(\d+)::", self.instruments[role][kind])
        assert number is not None
        return int(number[1])

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ended:
        self.process.send_signal(number)
        return end(self.process, 10)


@contextmanager
def serving(laboratory: CopiedLaboratory, *arguments: str) -> Iterator[Serving]:
    """``spinlab serve`` on free ports."""
    process = laboratory.start("serve", "--port-base", "0", "--json", *arguments)
    try:
        yield Serving(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> CopiedLaboratory:
    return CopiedLaboratory(tmp_path_factory.mktemp("a lab") / "lab")


@pytest.fixture(scope="module")
def server(laboratory: CopiedLaboratory) -> Iterator[Serving]:
    with serving(laboratory) as running:
        yield running


def test_every_instrument_of_the_bench_answers_on_ports_of_its_own(server: Serving) -> None:
    assert tuple(server.instruments) == tuple(IDENTITIES)
    for role, model in IDENTITIES.items():
        assert model in server.instruments[role]["identity"]
        with Client(server.port(role)) as raw, HislipClient(server.port(role, "hislip")) as hislip:
            assert raw.ask("*IDN?") == server.instruments[role]["identity"]
            hislip.write(b"*IDN?")
            assert hislip.read().decode().strip() == server.instruments[role]["identity"]


def test_the_boxes_are_wired_to_each_other_and_time_is_real(server: Serving) -> None:
    """The timing box starts the digitizer, whose group takes as long as it takes."""
    with Client(server.port("timing")) as timing, Client(server.port("polarimeter")) as digitizer:
        digitizer.send(b"*RST;:DIG:FUNC 'VOLT';:DIG:VOLT:SRAT 1000;:DIG:COUN 200;:TRAC:MAKE 'here',200\n")
        digitizer.send(b":TRIG:DIG:STIM EXT\n")
        assert digitizer.ask(":TRAC:ACT? 'here'") == "0"
        timing.send(b"TSRC 5;LPOL 4,1;DLAY 8,0,1e-6;DLAY 9,8,1e-6;*TRG\n")
        assert timing.ask("LERR?") == "0"
        assert 0 <= int(digitizer.ask(":TRAC:ACT? 'here'")) < 200
        assert digitizer.ask("*WAI;:TRAC:ACT? 'here'") == "200"


@pytest.fixture(scope="module")
def profile(laboratory: CopiedLaboratory, server: Serving) -> str:
    """``profiles/network.toml`` with the ports of the server that runs, and lasers that are steady soon."""
    lines = [f'devices.{role}.address = "{server.instruments[role]["socket"]}"' for role in DEVICES]
    lines += [f'devices.{laser}.settings.warm_up = "50 ms"' for laser in ("pump", "probe")]
    path = laboratory.root / "profiles" / "elsewhere.toml"
    path.write_text("\n".join(['extends = "network.toml"', *lines]))
    return str(path)


def test_the_storage_plan_runs_through_pyvisa_py_and_the_next_session_copes_with_what_it_left(
    laboratory: CopiedLaboratory, profile: str
) -> None:
    ended = laboratory.spinlab("run", "storage", "storage_times=50 ms", "shots=1", "--json", "-p", profile)
    assert (ended.code, ended.err) == (0, "")
    result = ended.document["result"]
    deviation = result["efficiency"][0] - result["predicted_efficiency"][0]
    assert abs(deviation) < 6 * result["efficiency_sigma"][0]
    assert result["efficiency"][0] > 0.8
    assert ended.document["lab_time_s"] <= ended.document["wall_time_s"]
    ended = laboratory.spinlab("run", "fid", "shots=1", "--json", "-p", profile)
    assert (ended.code, ended.err) == (0, "")


def test_the_network_profile_names_the_ports_that_serve_takes_by_itself() -> None:
    profile = load_profile(ROOT / "profiles" / "network.toml")
    assert (profile.clock, profile.visa.library) == ("wall", "@py")
    expected = {
        role: address(role, "", "127.0.0.1", PORT_BASE + index, PORT_BASE + HISLIP_OFFSET + index).raw
        for index, role in enumerate(DEVICES)
    }
    assert {role: device.address for role, device in profile.devices.items()} == expected
    simulated = load_profile(ROOT / "profiles" / "sim.toml").as_document()
    for role, device in profile.as_document()["devices"].items():
        assert {**device, "address": ""} == {**simulated["devices"][role], "address": ""}


def test_two_clients_of_one_instrument_get_no_wrong_reply(server: Serving) -> None:
    wrong: list[tuple[str, str]] = []

    def exchange(query: str, expected: str) -> None:
        with Client(server.port("timing")) as client:
            for _ in range(2000):
                reply = client.ask(query)
                if reply != expected:
                    wrong.append((query, reply))

    threads = [
        threading.Thread(target=exchange, args=each)
        for each in (("*IDN?", server.instruments["timing"]["identity"]), ("DLAY?1", "0,+0.000000000000"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- how it ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_whoever_is_connected(laboratory: CopiedLaboratory, number: signal.Signals) -> None:
    with serving(laboratory) as running:
        port = running.port("coil")
        with Client(port) as idle, Client(port) as busy, HislipClient(running.port("coil", "hislip")):
            assert "6221" in idle.ask("*IDN?")
            busy.send(b"SOUR:WAVE:FUNC SIN;DUR:TIME 100;:SOUR:WAVE:ARM;INIT;*OPC?\n")
            ended = running.stop(number)
            idle.wait_until_closed()
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_in_use_is_one_clear_line_and_nothing_stays_open(laboratory: CopiedLaboratory) -> None:
    base = free_base(len(IDENTITIES))
    with socket.create_server(("127.0.0.1", base + 3)):
        ended = laboratory.spinlab("serve", "--port-base", str(base))
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(rf"spinlab: port {base + 3} of 127\.0\.0\.1 is in use: .*--port-base\n", ended.err)


# --- who may connect


def test_other_computers_are_let_in_only_when_told_so_and_with_a_warning(laboratory: CopiedLaboratory) -> None:
    refused = laboratory.spinlab("serve", "--port-base", "0", "--host", "0.0.0.0")
    assert (refused.code, refused.out) == (2, "")
    assert re.fullmatch(r"spinlab: host '0\.0\.0\.0' .*no authentication.*--allow-remote.*\n", refused.err)
    with serving(laboratory, "--host", "0.0.0.0", "--allow-remote") as running:
        assert socket.gethostname() in running.instruments["coil"]["socket"]
        with Client(running.port("coil")) as client:
            assert "6221" in client.ask("*IDN?")
        ended = running.stop()
    assert ended.code == 0
    assert re.fullmatch(r"spinlab: WARNING: SCPI has no authentication: .*0\.0\.0\.0.*\n", ended.err)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_loopback_needs_no_permission(host: str) -> None:
    assert checked_host(host, allow_remote=False) == ("127.0.0.1" if host == "localhost" else host)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.5", "lab-pc", "::"])
def test_every_other_host_needs_it(host: str) -> None:
    with pytest.raises(BadInput, match="--allow-remote"):
        checked_host(host, allow_remote=False)
    assert checked_host(host, allow_remote=True) == host


# --- what it prints


def test_without_json_it_prints_a_table_and_with_log_the_traffic(laboratory: CopiedLaboratory) -> None:
    process = laboratory.start("serve", "--port-base", "0", "--log")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(len(IDENTITIES) + 2)]
    assert lines[0].split() == ["instrument", "model", "raw", "socket", "HiSLIP"]
    found = re.fullmatch(
        r"coil +MODEL 6221 +TCPIP0::127\.0\.0\.1::(\d+)::SOCKET +TCPIP0::127\.0\.0\.1::hislip0,\d+::INSTR\n", lines[1]
    )
    assert found is not None
    assert "Ctrl-C" in lines[-1]
    with Client(int(found[1])) as client:
        assert client.ask("SYST:ERR?") == '0,"No error"'
        mine = "{}:{}".format(*client.socket.getsockname())
    process.send_signal(signal.SIGINT)
    ended = end(process)
    assert ended.code == 0
    said, answered = ended.err.splitlines()
    assert re.fullmatch(rf" *\d+\.\d{{6}}  coil +{mine} +> SYST:ERR\?", said)
    assert re.fullmatch(rf" *\d+\.\d{{6}}  coil +{mine} +< 0,\"No error\"", answered)


def test_a_line_of_the_log_is_plain_and_short_whatever_went_over_the_wire() -> None:
    def shown(data: bytes) -> Any:
        return log_line(Exchange(1.5, "coil", "127.0.0.1:5", False, data)).split("< ")[1]

    assert shown(b"\x1b[2J\n\xff'") == r"\x1b[2J\n\xff'"
    assert shown(bytes(10_000)) == r"\x00" * 160 + "… (10000 bytes)"
