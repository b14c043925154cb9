"""Reading runs back, whole or cut off, and the catalog that is found from the folders."""

import math
import os

import numpy as np
import pytest

from spinlab.errors import BadInput
from spinlab.records import RunWriter, find_run, list_runs, open_run
from tests.records.documents import UID, descriptor, event, start, trace, write_run


@pytest.fixture
def run(tmp_path):
    folder, _ = write_run(RunWriter(tmp_path))
    return open_run(folder)


def cut(run, count):
    path = run.path / "documents.jsonl"
    os.truncate(path, path.stat().st_size - count)
    return open_run(run.path)


def test_a_run_knows_how_it_began_and_ended(run):
    assert run.uid == UID
    assert run.start["plan_name"] == "storage"
    assert run.stop["exit_status"] == run.exit_status == "success"
    assert run.complete


def test_events_come_as_rows_and_as_columns(run):
    assert [row["shot_kind"] for row in run.rows()] == ["signal"] * 3
    assert run.column("primary", "shot_amplitude").tolist() == [0.1, 0.2, 0.1 * 3]
    columns = run.streams["primary"]
    assert columns["seq_num"].tolist() == [1, 2, 3]
    assert columns["few"].shape == (3, 3)


def test_traces_are_read_one_by_one_or_all(run):
    found = run.trace("primary", "polarimeter_trace")
    assert found.shape == (3, 100)
    assert found.dtype == np.float32
    assert np.array_equal(found[-1], trace(3))
    assert np.array_equal(found[:], np.stack([trace(1), trace(2), trace(3)]))
    assert found[3:].shape == (0, 100)
    assert np.array_equal(run.trace("primary", "polarimeter_trace", 1), trace(2))
    with pytest.raises(IndexError):
        found[3]
    assert run.traces("primary") == ["polarimeter_trace"]


def test_what_is_not_there_is_refused_with_the_nearest(run):
    with pytest.raises(BadInput, match=r"no stream 'primray' .*'primary'"):
        run.column("primray", "x")
    with pytest.raises(BadInput, match=r"did you mean 'shot_kind'\?"):
        run.column("primary", "shot_kin")
    with pytest.raises(BadInput, match=r"did you mean 'polarimeter_trace'\?"):
        run.trace("primary", "polarimeter_trac")
    assert run.rows("nothing") == []


def test_nan_is_a_value_in_a_column(tmp_path):
    writer = RunWriter(tmp_path)
    writer("start", start())
    writer("descriptor", descriptor())
    writer("event", event(1, shot_amplitude=math.nan))
    writer.close()
    assert np.isnan(open_run(writer.path).column("primary", "shot_amplitude")[0])


def test_a_run_cut_in_its_last_line_opens_and_says_so(run):
    torn = cut(run, 5)
    assert not torn.complete
    assert torn.exit_status == "incomplete"
    assert len(torn.rows()) == 3
    assert "incomplete" in repr(torn)


def test_traces_that_no_document_names_do_not_count(run):
    lines = (run.path / "documents.jsonl").read_bytes().splitlines(keepends=True)
    (run.path / "documents.jsonl").write_bytes(b"".join(lines[:-3]))
    again = open_run(run.path)
    assert len(again.rows()) == len(again.trace("primary", "polarimeter_trace")) == 2


def test_a_damaged_line_in_the_middle_is_named(run):
    path = run.path / "documents.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b'["stream_datum", {"uid"\n'
    path.write_bytes(b"".join(lines))
    with pytest.raises(BadInput, match="line 4 is damaged"):
        open_run(run.path).rows()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match="holds no run"):
        open_run(tmp_path)


def test_a_run_being_written_can_be_reread(tmp_path):
    writer = RunWriter(tmp_path)
    writer("start", start())
    writer("descriptor", descriptor())
    writer("event", event(1))
    run = open_run(writer.path)
    assert len(run.rows()) == 1
    writer("event", event(2))
    run.reload()
    assert len(run.rows()) == 2
    writer.close()


@pytest.fixture
def records(tmp_path):
    """Three runs that begin at the same virtual time, written one after the other; the last one was cut off."""
    for index, uid in enumerate(["aaaa0000-1", "aabb0000-2", "cccc0000-3"]):
        writer = RunWriter(tmp_path)
        if uid.startswith("c"):
            writer("start", start(uid))
            writer.close()
        else:
            documents = write_run_of(writer, uid)
            assert documents
        os.utime(writer.path / "documents.jsonl", ns=(index, index))
    return tmp_path


def write_run_of(writer, uid):
    from tests.records.documents import stop

    return [*writer("start", start(uid)), *writer("stop", stop(uid, events=0))]


def test_the_catalog_lists_runs_in_the_order_written(records):
    runs = list_runs(records)
    assert [run.uid[:4] for run in runs] == ["aaaa", "aabb", "cccc"]
    assert [run.exit_status for run in runs] == ["success", "success", "incomplete"]
    assert runs[0].plan == "storage"
    assert runs[0].duration == 3600.0
    assert runs[2].duration is None
    assert runs[0].num_events() == 0


def test_a_run_is_found_by_place_uid_or_folder(records):
    assert find_run(records).uid == "cccc0000-3"
    assert find_run(records, "last").uid == "cccc0000-3"
    assert find_run(records, -2).uid == find_run(records, "-2").uid == "aabb0000-2"
    assert find_run(records, "aab").uid == "aabb0000-2"
    assert find_run(records, str(find_run(records, "aab").path)).uid == "aabb0000-2"


def test_a_run_that_is_not_unique_or_not_there_is_refused(records):
    with pytest.raises(BadInput, match="'aa' fits 2 runs: aaaa0000-1, aabb0000-2"):
        find_run(records, "aa")
    with pytest.raises(BadInput, match="no run 'zz'"):
        find_run(records, "zz")
    with pytest.raises(BadInput, match="no run '-9'"):
        find_run(records, -9)
    with pytest.raises(BadInput, match="holds no runs yet"):
        find_run(records / "nowhere")


def test_strange_files_and_empty_folders_do_not_disturb_the_catalog(records):
    (records / "notes.txt").write_text("x")
    (records / "2026-01-01" / "empty").mkdir()
    (records / "2026-01-01" / "torn").mkdir()
    (records / "2026-01-01" / "torn" / "documents.jsonl").write_bytes(b'["start", {"uid"')
    assert len(list_runs(records)) == 3


def test_a_long_last_line_is_found(tmp_path):
    writer = RunWriter(tmp_path)
    writer("start", start(note="x" * 10_000))
    from tests.records.documents import stop

    writer("stop", stop() | {"reason": "y" * 10_000})
    assert list_runs(tmp_path)[0].exit_status == "success"
