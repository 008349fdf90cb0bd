"""A third party's framework brings a device and a precision that Wattmark has never heard of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import simulated_nvml

import wattmark
from wattmark.errors import UnknownNameError, UnsupportedSetupError
from wattmark.planning.plans import load_plan
from wattmark.records import Setup, parse_setup
from wattmark.reports.markdown import render_markdown
from wattmark.worker.artefacts import require_supported
from wattmark.workflows import runs

pytestmark = pytest.mark.usefixtures("fake_plugin")

PLAN = """\
name: open
task: fake-task
model: fake-model
setups: [fake/right/fp32, fake-vulkan/shader/fp8-e4m3/vulkan/b2]
samples: 40
rounds: 3
executions: 1
ratio_width: 0.9
budget_s: 3
"""


#: NVML of eight cards, for workers.
NVML = """\
from simulated_nvml import eight_cards

globals().update(vars(eight_cards().module()))
"""


@pytest.mark.slow
def test_a_plan_names_them_and_a_result_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pynvml.py").write_text(NVML)
    shown = (str(tmp_path), str(Path(simulated_nvml.__file__).parent), os.environ["PYTHONPATH"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(shown))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    done = wattmark.run(path)

    result = done.result("fake-vulkan/shader/fp8-e4m3/vulkan/b2")
    assert result.status == "ok", result.failure
    assert (result.trial.setup.precision, result.trial.setup.device) == ("fp8-e4m3", "vulkan")
    assert not any(e.check.tolerance for e in result.executions)  # as any reduced precision
    assert result.preparation is not None
    assert result.preparation.artefact.startswith("fake-vulkan-shader-fp8-e4m3-")
    assert runs.load(done.id) == done
    # of eight cards, a setup on a GPU is charged with its own, and one on the processor with none
    assert {e.domain for e in result.energy if e.domain.startswith("gpu")} == {"gpu:5"}
    assert not any(e.domain.startswith("gpu") for e in done.result("fake/right/fp32").energy)
    assert result.id in render_markdown(done)


def test_a_name_that_it_does_not_have_is_refused_with_the_one_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("e4m3", "e4m4"))
    with pytest.raises(UnknownNameError, match=r"line 4: .*'fp8-e4m4': did you mean 'fp8-e4m3'"):
        load_plan(path)
    path.write_text(PLAN.replace("/vulkan", "/vulcan"))
    with pytest.raises(UnknownNameError, match=r"line 4: .*'vulcan': did you mean 'vulkan'"):
        load_plan(path)


def test_the_usual_device_is_not_taken_in_its_place() -> None:
    from wattmark import registry

    setup = Setup.model_validate(parse_setup("fake-vulkan/shader/fp8-e4m3"))
    with pytest.raises(UnsupportedSetupError, match="no device 'cpu'; it has vulkan"):
        require_supported(registry.framework("fake-vulkan"), setup)
