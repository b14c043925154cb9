"""The recorder: what is on disk, in which order, and what happens when the disk or the process fails."""

import json
import os
import subprocess
import sys
import textwrap

import event_model
import numpy as np
import pytest

from spinlab.errors import RunFailed
from spinlab.records import RunWriter, open_run
from tests.records.documents import UID, descriptor, event, start, stop, trace, write_run


@pytest.fixture
def writer(tmp_path):
    writer = RunWriter(tmp_path / "my records")
    yield writer
    writer.close()


def lines_of(folder):
    return [json.loads(line) for line in (folder / "documents.jsonl").read_bytes().splitlines()]


def test_the_folder_is_named_by_the_runs_own_time_plan_and_uid(writer):
    writer("start", start(plan_name="my/plan"))
    assert writer.path == writer.directory / "2026-01-01" / "000000-my_plan-0123abcd"


def test_before_the_first_run_there_is_no_folder(writer):
    assert writer.path is None
    assert not writer.directory.exists()


def test_every_document_is_on_disk_before_it_is_returned(writer):
    writer("start", start())
    writer("descriptor", descriptor())
    for seq_num in (1, 2):
        heard = writer("event", event(seq_num))
        assert lines_of(writer.path)[-1][1]["uid"] == heard[-1][1]["uid"] == f"e{seq_num}"
        metadata = json.loads((writer.path / "traces/primary/polarimeter_trace/zarr.json").read_text())
        assert metadata["shape"] == [seq_num, 100]


def test_large_arrays_leave_their_events_for_stream_documents(writer):
    _, heard = write_run(writer, events=2)
    names = [name for name, _ in heard]
    assert names == ["start", "descriptor", "stream_resource", "stream_datum", "event", "stream_datum", "event", "stop"]
    assert heard[1][1]["data_keys"]["polarimeter_trace"]["external"] == "STREAM:"
    assert "external" not in heard[1][1]["data_keys"]["few"]
    assert "polarimeter_trace" not in heard[4][1]["data"]
    assert "polarimeter_trace" not in heard[4][1]["timestamps"]
    assert heard[5][1]["indices"] == {"start": 1, "stop": 2}
    assert heard[5][1]["seq_nums"] == {"start": 2, "stop": 3}


def test_what_subscribers_hear_is_what_is_on_disk(writer):
    folder, heard = write_run(writer)
    assert [name for name, _ in lines_of(folder)] == [name for name, _ in heard]
    assert [doc["uid"] for _, doc in lines_of(folder)] == [doc["uid"] for _, doc in heard]


def test_the_documents_are_those_of_the_event_model(writer):
    folder, _ = write_run(writer)
    for name, doc in lines_of(folder):
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)


def test_the_callers_documents_are_left_as_they_were(writer):
    writer("start", start())
    given = descriptor()
    writer("descriptor", given)
    shot = event(1)
    writer("event", shot)
    assert given == descriptor()
    assert "polarimeter_trace" in shot["data"]


def test_another_process_reads_it_with_zarr_and_json_alone(writer):
    folder, _ = write_run(writer)
    code = """
        import json, pathlib, sys
        import zarr
        folder = pathlib.Path(sys.argv[1])
        documents = [json.loads(line) for line in (folder / "documents.jsonl").open()]
        resource = next(doc for name, doc in documents if name == "stream_resource")
        array = zarr.open_array(folder / resource["parameters"]["path"], mode="r")
        group = zarr.open_group(folder / "traces", mode="r")
        same = group["primary/polarimeter_trace"][:].tobytes() == array[:].tobytes()
        assert "spinlab" not in sys.modules
        print(array.shape, array.dtype, array[:].sum(), array.attrs["units"], same)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)], capture_output=True, text=True, check=True
    )
    total = np.stack([trace(i) for i in (1, 2, 3)]).sum()
    assert done.stdout.split() == ["(3,", "100)", "float32", str(total), "V", "True"]


@pytest.mark.parametrize("dtype", ["?", "i1", "<i2", ">i4", "u8", "f2", ">f4", "f8", "c8", "c16"])
def test_every_kind_of_number_comes_back_bit_for_bit(writer, dtype):
    import zarr

    samples = np.arange(40).reshape(2, 20).astype(dtype)
    writer("start", start())
    writer("descriptor", descriptor())
    writer("event", event(1, samples=samples))
    array = zarr.open_array(str(writer.path / "traces/primary/polarimeter_trace"), mode="r")
    assert array[0].dtype == samples.dtype.newbyteorder("<")
    assert np.array_equal(array[0], samples)
    assert np.array_equal(open_run(writer.path).trace("primary", "polarimeter_trace", 0), samples)


def test_a_list_of_numbers_is_an_array_too(writer):
    writer("start", start())
    writer("descriptor", descriptor())
    writer("event", event(1, samples=trace(1, dtype=float).tolist()))
    assert np.array_equal(open_run(writer.path).trace("primary", "polarimeter_trace", 0), trace(1, dtype=float))


@pytest.mark.parametrize("samples", [trace(2, length=99), trace(2, dtype=np.float64)])
def test_a_record_that_changes_its_shape_or_type_is_refused(writer, samples):
    writer("start", start())
    writer("descriptor", descriptor())
    writer("event", event(1))
    with pytest.raises(RunFailed, match=r"polarimeter_trace: event 2 .*float32\[100\]"):
        writer("event", event(2, samples=samples))
    writer("stop", stop(events=1, exit_status="fail"))
    assert len(open_run(writer.path).trace("primary", "polarimeter_trace")) == 1


def test_samples_that_are_no_numbers_are_refused(writer):
    writer("start", start())
    writer("descriptor", descriptor())
    with pytest.raises(TypeError, match="cannot be written"):
        writer("event", event(1, samples=np.array([None] * 100)))


def test_two_descriptors_of_one_stream_share_an_array(writer):
    writer("start", start())
    writer("descriptor", descriptor("d1"))
    writer("event", event(1, "d1"))
    writer("descriptor", descriptor("d2"))
    writer("event", event(2, "d2"))
    assert len(open_run(writer.path).trace("primary", "polarimeter_trace")) == 2


def test_nested_runs_have_a_folder_each(writer):
    writer("start", start("outer000"))
    writer("start", start("inner000"))
    writer("descriptor", descriptor("di", "inner000"))
    writer("descriptor", descriptor("do", "outer000"))
    writer("event", event(1, "di"))
    writer("event", event(1, "do"))
    writer("stop", stop("inner000"))
    writer("stop", stop("outer000"))
    assert [open_run(path).complete for path in writer.paths.values()] == [True, True]
    assert [len(open_run(path).rows()) for path in writer.paths.values()] == [1, 1]


def test_an_event_page_becomes_events(writer):
    writer("start", start())
    writer("descriptor", descriptor())
    shots = [event(1), event(2)]
    page = {name: [shot[name] for shot in shots] for name in ("uid", "time", "seq_num")}
    page |= {
        name: {key: [shot[name][key] for shot in shots] for key in shots[0][name]} for name in ("data", "timestamps")
    }
    heard = writer("event_page", page | {"descriptor": "d1", "filled": {}})
    assert [name for name, _ in heard].count("event") == 2
    assert [row["shot_amplitude"] for row in open_run(writer.path).rows()] == [0.1, 0.2]


def test_documents_of_nobody_are_refused(writer):
    with pytest.raises(RunFailed, match="belongs to no open run"):
        writer("event", event(1))
    write_run(writer)
    with pytest.raises(RunFailed, match="belongs to no open run"):
        writer("event", event(4))


def test_a_start_document_that_cannot_be_written_leaves_nothing_behind(writer):
    with pytest.raises(TypeError, match=r"start\.sample"):
        writer("start", start(sample=b"bytes"))
    assert not writer.directory.exists()


def test_closing_is_harmless_at_any_time(writer):
    writer.close()
    writer("start", start())
    writer.close()
    writer.close()
    assert not open_run(writer.path).complete


def test_no_file_stays_open_after_a_run(writer):
    before = os.listdir("/proc/self/fd")
    write_run(writer)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_kill_9_loses_nothing_that_was_emitted(tmp_path):
    done = run_python(
        """
        import os, pathlib, signal, sys
        from spinlab.records import RunWriter
        from tests.records.documents import descriptor, event, start
        writer = RunWriter(pathlib.Path(sys.argv[1]))
        writer("start", start()); writer("descriptor", descriptor())
        for seq_num in (1, 2, 3):
            writer("event", event(seq_num))
        print(writer.path, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert done.returncode == -9
    (folder,) = tmp_path.glob("*/*")
    run = open_run(folder)
    assert not run.complete
    assert len(run.rows()) == 3
    assert np.array_equal(run.trace("primary", "polarimeter_trace", 2), trace(3))


FULL_DISK = """
    import pathlib, resource, signal, sys
    from spinlab.records import RunWriter
    from tests.records.documents import descriptor, event, start, stop
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file-size limit stands for the full disk: same short writes
    writer = RunWriter(pathlib.Path(sys.argv[1]))
    writer("start", start()); writer("descriptor", descriptor())
    writer("event", event(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        for seq_num in range(2, 100):
            writer("event", event(seq_num))
    except OSError as error:
        print(error.strerror)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer("stop", stop(exit_status="fail"))
"""


@pytest.mark.parametrize(("limit", "hit"), [(300, "the trace"), (4000, "the documents")], ids=lambda value: str(value))
def test_a_full_disk_is_an_oserror_and_leaves_whole_lines_and_chunks(tmp_path, limit, hit):
    done = run_python(FULL_DISK, tmp_path, limit)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "File too large"
    (folder,) = tmp_path.glob("*/*")
    run = open_run(folder)
    assert run.complete
    assert run.exit_status == "fail"
    assert [len(chunk) for chunk in run.trace("primary", "polarimeter_trace")] == [100] * len(run.rows())
    assert not list(folder.rglob("*.part"))


def test_a_real_run_engine_can_drive_it(writer):
    import bluesky.plan_stubs as bps
    import bluesky.preprocessors as bpp
    from bluesky import RunEngine

    class Polarimeter:
        """A readable with a trace."""

        name, parent = "polarimeter", None

        def describe(self):
            return {"trace": {"dtype": "array", "shape": [1000], "source": "test"}}

        def read(self):
            return {"trace": {"value": np.ones(1000, np.float32), "timestamp": 1.0}}

        def describe_configuration(self):
            return {}

        def read_configuration(self):
            return {}

        def trigger(self):
            from ophyd.status import Status

            status = Status()
            status.set_finished()
            return status

    polarimeter = Polarimeter()

    @bpp.run_decorator(md={"plan_name": "traces"})
    def plan():
        for _ in range(3):
            yield from bps.trigger_and_read([polarimeter])

    engine = RunEngine(context_managers=[])
    engine.subscribe(lambda name, doc: writer(name, doc))
    engine(plan())
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()
    assert open_run(writer.path).trace("primary", "trace").shape == (3, 1000)
    assert open_run(writer.path).uid != UID
