"""What the documents tell a reader to type works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattmark.contracts import Workspace
from wattmark.records import Setup

ROOT = Path(__file__).parent.parent


def code_blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_readme_names_verbs_that_exist() -> None:
    from wattmark.cli.verbs import VERBS

    named = set(re.findall(r"^wattmark ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert named == set(VERBS)


def test_the_block_that_the_readme_measures_has_time_and_energy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = [c for c in code_blocks("README.md", "python") if "wattmark.measure(" in c]

    exec(compile(example, "README.md", "exec"), {})

    said = capsys.readouterr().out
    assert " s by " in said
    assert "step: " in said


def test_the_page_of_reasons_is_what_the_code_says() -> None:
    from reasons_page import reasons_document

    assert (ROOT / "docs/reasons.md").read_text(encoding="utf-8") == reasons_document(), (
        "docs/reasons.md is old: `make docs` writes it anew"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("fake_plugin")
def test_the_framework_of_the_contributing_guide_works(tmp_path: Path) -> None:
    from wattmark_fake import WEIGHTS, FakeModel

    (example,) = code_blocks("CONTRIBUTING.md", "python")
    namespace: dict[str, Any] = {}
    exec(compile(example, "CONTRIBUTING.md", "exec"), namespace)
    framework, setup = namespace["Numpy"](), Setup(framework="numpy", mode="dot")

    (network,) = FakeModel().networks()

    framework.prepare(Workspace(network, setup, tmp_path, lambda key, build: tmp_path))
    runner = framework.load(tmp_path, network, setup, threads=1)

    x = np.ones((1, 16), np.float32)
    np.testing.assert_allclose(runner({"x": x}), x @ WEIGHTS.T, rtol=1e-6)
