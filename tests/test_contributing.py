"""What CONTRIBUTING.md shows works as it is written: files, plan, meter, commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```(?:python|toml|yaml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)).splitlines()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the guide, as an installer would leave it on the path."""
    folder = tmp_path_factory.mktemp("package")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"# {name}\n{text}")
    (folder / "wattmark_numpy/__init__.py").write_text('"""The package of the guide."""\n')
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    groups = project["entry-points"].items()
    points = [f"[{g}]\n" + "".join(f"{n} = {v}\n" for n, v in named.items()) for g, named in groups]
    information = folder / "wattmark_numpy-0.1.dist-info"
    information.mkdir()
    (information / "entry_points.txt").write_text("\n".join(points))
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    return folder


def said(command: list[str | Path], folder: Path, **variables: str) -> str:
    """What a command that ends well writes to its output."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_json(command: str, folder: Path, **variables: str) -> dict:
    """A ``wattmark run`` of the guide, with its package on the path: the run as JSON."""
    program = [Path(sys.executable).with_name("wattmark"), *command.split()[1:], "--json"]
    path = os.pathsep.join(p for p in (str(folder), os.environ.get("PYTHONPATH")) if p)
    return json.loads(said(program, folder, PYTHONPATH=path, **variables))


@contextmanager
def rising_counter(file: Path, watts: float) -> Iterator[None]:
    """A counter file like the kernel's, in microjoules, written whole each time."""
    ended = threading.Event()

    def show() -> None:
        beside = file.with_suffix(".new")
        beside.write_text(str(int(watts * time.monotonic() * 1e6)))
        beside.replace(file)

    def rise() -> None:
        while not ended.wait(0.001):
            show()

    show()
    thread = threading.Thread(target=rise)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_the_files_of_the_guide_are_there() -> None:
    assert sorted(FILES) == [
        "plan.yaml",
        "pyproject.toml",
        "wattmark_numpy/directions.py",
        "wattmark_numpy/framework.py",
        "wattmark_numpy/hwmon.py",
    ]


@pytest.mark.slow
def test_its_code_passes_what_make_check_runs(package: Path) -> None:
    settings = ROOT / "pyproject.toml"
    code = package / "wattmark_numpy"
    ruff = [sys.executable, "-m", "ruff"]
    here = ["--config", f"src = ['{ROOT / 'src'}']"]  # wattmark is sorted as in this repository
    said([*ruff, "check", "--config", settings, *here, code], package)
    said([*ruff, "format", "--check", "--config", settings, code], package)
    mypy = [sys.executable, "-m", "mypy", "--config-file", settings]
    said([*mypy, "--cache-dir", ROOT / ".mypy_cache", code], ROOT)


@pytest.mark.slow
def test_its_plan_runs_with_its_meter(package: Path) -> None:
    plain, metered = (command for command in COMMANDS if command.startswith("wattmark run"))
    assert metered == f"{plain} --meter hwmon"

    counter = package / "energy1_input"
    with rising_counter(counter, watts=50):
        run = run_json(metered, package, HWMON_FILE=str(counter))

    assert [result["status"] for result in run["results"]] == ["ok", "ok"], run["results"]
    mine = run["results"][1]
    assert mine["quality"]["value"]["value"] > 0.99
    (energy,) = mine["energy"]
    assert (energy["meter"], energy["domain"]) == ("hwmon", "node")
    assert energy["per_query"]["value"] is not None, energy["per_query"]


def test_its_tests_of_one_file_can_be_run() -> None:
    shown = [command for command in COMMANDS if "pytest" in command]
    assert shown
    for command in shown:
        file = command.split()[3]
        assert (ROOT / file).exists(), command
    said([sys.executable, *shown[0].split()[1:], "-p", "no:cacheprovider"], ROOT)


def test_what_it_names_is_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z][a-z-]+)", TEXT)) <= {*targets}
    from wattmark.frameworks import buckets, onnx_export, support

    assert all([support.has_cell, support.lacks, buckets.bucket_sizes, onnx_export.shared_onnx])
