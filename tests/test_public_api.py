"""What of Wattmark is public, and what `import wattmark` must not cost."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from public_page import GROUPS, PUBLIC, public_document, public_names

import wattmark

ROOT = Path(__file__).parent.parent

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


def test_the_page_of_public_names_is_what_the_code_says() -> None:
    page = (ROOT / "docs/public.md").read_text(encoding="utf-8")
    assert page == public_document(), (
        "a public name came, went or is another thing now: if that is meant, say it in "
        "CHANGELOG.md, and `make docs` writes docs/public.md anew"
    )


def test_the_package_itself_says_which_modules_are_public() -> None:
    assert re.findall(r":mod:`([\w.]+)`", wattmark.__doc__ or "") == list(PUBLIC)


def test_every_group_of_entry_points_is_on_the_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["entry-points"]) == set(GROUPS)


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_exist_and_are_listed_in_order(module: str) -> None:
    found = import_module(module)
    for name in public_names(module):
        assert hasattr(found, name)
    listed = getattr(found, "__all__", [])
    constants_first = sorted(listed, key=lambda name: (not name.isupper(), name))
    assert listed in (sorted(listed), constants_first)


def described(module: str) -> Iterator[tuple[str, Callable[..., object] | type]]:
    """Every public class and function of our own, and the public methods of the classes."""
    for name in public_names(module):
        value = getattr(import_module(module), name)
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue
        yield f"{module}.{name}", value
        for part, member in list(vars(value).items()) if inspect.isclass(value) else ():
            function = member.fget if isinstance(member, property) else member
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function) and not part.startswith("_"):
                yield f"{module}.{name}.{part}", function


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_say_what_they_are(module: str) -> None:
    bare = [name for name, value in described(module) if not (value.__doc__ or "").strip()]
    assert not bare


@pytest.mark.parametrize("module", PUBLIC)
def test_public_functions_say_what_they_raise(module: str) -> None:
    silent = [
        name
        for name, value in described(module)
        if inspect.isfunction(value)
        and raises(value)
        and not re.search(r"\b[Rr]aise", value.__doc__ or "")
    ]
    assert not silent


def raises(function: Callable[..., object]) -> bool:
    """Whether it raises by itself anything but what it caught."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(n, ast.Raise) and n.exc is not None for n in ast.walk(tree))


def examples() -> dict[str, str]:
    """The Python that documents show, and the plug-in of a stranger that the tests install."""
    found = {}
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]):
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        found |= {f"{page.name} {n}": block for n, block in enumerate(blocks)}
    for file in sorted(ROOT.glob("tests/plugin/*.py")):
        found[file.name] = file.read_text(encoding="utf-8")
    return found


def private_names(code: str) -> list[str]:
    """What the code takes of Wattmark that is not public."""
    private = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            taken = [alias.name for alias in node.names]
            private += [n for n in taken if n.startswith("wattmark.") and n not in PUBLIC]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "wattmark":
            module = node.module or ""
            known = public_names(module) if module in PUBLIC else ()
            private += [f"{module}.{a.name}" for a in node.names if a.name not in known]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "wattmark":
            private += [] if node.attr in wattmark.__all__ else [f"wattmark.{node.attr}"]
    return private


@pytest.mark.parametrize("example", examples())
def test_examples_take_public_names_only(example: str) -> None:
    assert not private_names(examples()[example])


def test_an_example_that_takes_a_private_name_would_be_seen() -> None:
    code = "import wattmark.store\nfrom wattmark.records.plan import Plan\nwattmark.store.Store"
    assert private_names(code) == ["wattmark.store", "wattmark.records.plan.Plan", "wattmark.store"]
