"""Importing any module has no side effect, physics imports nothing else of spinlab, and the namesake is refused."""

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ["spinlab", "devices", "sims", "plans"]
# Every module in one process that may open no socket, write no file, start no thread and no process.
GUARDED_IMPORT = """
    import importlib, os, sys, threading
    BANNED = {"socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
              "os.system", "os.chdir", "shutil.rmtree", "tempfile.mkdtemp", "tempfile.mkstemp"}
    def guard(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if event in BANNED or writes:
            raise PermissionError(f"{event} {arguments}")
    sys.addaudithook(guard)
    for name in sys.argv[1:]:
        importlib.import_module(name)
        if threading.active_count() > 1:
            sys.exit(f"{name} starts a thread")
"""


def modules():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return [*(name for name in names if not name.endswith("__main__")), "pyvisa_spinlab"]


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPHYD_CONTROL_LAYER": "dummy"},
    )


def test_importing_any_module_has_no_side_effect():
    done = run_python(GUARDED_IMPORT, *modules())
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_guard_itself_notices_a_written_file(tmp_path):
    (tmp_path / "writes.py").write_text(f"open({str(tmp_path / 'x')!r}, 'w')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + textwrap.dedent(GUARDED_IMPORT)
    assert "PermissionError" in run_python(code, "writes").stderr


def test_importing_the_package_costs_next_to_nothing():
    done = run_python("import sys; import spinlab; print(*sorted({'numpy', 'importlib.metadata'} & set(sys.modules)))")
    assert done.stdout.strip() == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "spinlab" / "physics").rglob("*.py")), ids=lambda path: path.name)
def test_physics_imports_nothing_else_of_spinlab(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert not name.startswith("spinlab") or name.startswith("spinlab.physics"), f"{path.name} imports {name}"


def test_the_nmr_package_of_the_same_name_is_refused_in_one_line(tmp_path):
    (tmp_path / "spinlab").mkdir()
    (tmp_path / "spinlab" / "__init__.py").write_text((ROOT / "spinlab" / "__init__.py").read_text())
    (tmp_path / "spinlab_control-0.1.0.dist-info").mkdir()
    code = "import sys; sys.path.insert(0, sys.argv[1]); import spinlab"
    assert run_python(code, tmp_path).returncode == 0
    (tmp_path / "spinlab-1.1.5.dist-info").mkdir()
    refused = run_python(code, tmp_path).stderr.splitlines()[-1]
    assert refused.startswith("ImportError: ")
    assert "unrelated NMR package 'spinlab' (spinlab-1.1.5.dist-info)" in refused
