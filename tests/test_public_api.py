"""What `import wattmark` offers, and what it must not cost."""

from __future__ import annotations

import subprocess
import sys

import wattmark

HEAVY = (
    "torch",
    "tensorflow",
    "jax",
    "onnxruntime",
    "openvino",
    "numpy",
    "pydantic",
    "rich",
    "httpx",
)


def imported_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after running ``code``."""
    script = f"{code}\nimport sys; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_all_names_exist_in_alphabetical_order() -> None:
    assert wattmark.__all__ == sorted(wattmark.__all__)
    for name in wattmark.__all__:
        assert getattr(wattmark, name) is not None
    assert dir(wattmark) == wattmark.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(wattmark, "no_such_thing")


def test_import_wattmark_loads_nothing_heavy() -> None:
    assert not imported_after("import wattmark") & set(HEAVY)


def test_the_command_line_loads_nothing_heavy_for_help() -> None:
    code = (
        "import sys; sys.argv = ['wattmark', '--help']\n"
        "from wattmark.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )
    assert not imported_after(code) & set(HEAVY)
