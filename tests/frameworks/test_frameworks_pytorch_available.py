"""What can be run here is found without PyTorch; what cannot says why, and the cure."""

import subprocess
import sys

import pytest
from tiny_models import TinyConvNet

from wattmark.errors import FrameworkError
from wattmark.frameworks import pytorch, support
from wattmark.frameworks.pytorch import PyTorch
from wattmark.machine.cpu_info import CpuInfo
from wattmark.records import Setup

CELLS = [(mode, precision) for mode, found in PyTorch.modes.items() for precision in found]


def setup(mode="eager", precision="fp32", device="cpu"):
    return Setup(framework="pytorch", mode=mode, precision=precision, device=device)


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_every_cell_runs_on_a_cpu_but_fp16(mode, precision, monkeypatch):
    monkeypatch.setenv("CXX", sys.executable)  # whatever is there
    here = PyTorch().available(setup(mode, precision))
    assert here.available == (precision.value != "fp16")
    assert here.available or "bf16" in here.detail


@pytest.mark.parametrize("mode", ["compile", "aotinductor"])
def test_without_a_compiler_inductor_says_what_to_install(mode, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    here = PyTorch().available(setup(mode))
    assert not here.available
    assert "install g++" in here.detail
    assert PyTorch().available(setup("torchscript")).available


@pytest.mark.parametrize(
    ("build", "gpu", "triton", "mode", "said"),
    [
        ("2.13.0+cpu", True, True, "eager", "CUDA build"),
        ("2.13.0", False, True, "eager", "no NVIDIA GPU"),
        ("2.13.0", True, False, "compile", "pip install triton"),
        ("2.13.0", True, False, "eager", ""),
        ("2.13.0", True, True, "aotinductor", ""),
    ],
)
def test_cuda_needs_a_build_for_it_a_gpu_and_triton(monkeypatch, build, gpu, triton, mode, said):
    monkeypatch.setattr(pytorch, "version_of", lambda package: build)
    monkeypatch.setattr(pytorch, "has_nvidia_gpu", lambda: gpu)
    monkeypatch.setattr(pytorch, "is_installed", lambda package: triton)
    here = PyTorch().available(setup(mode, "fp16", "cuda"))
    assert here.available == (not said)
    assert said in here.detail


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(support, "is_installed", lambda package: package != "torch")
    assert "wattmark[torch]" in PyTorch().available(setup()).detail


def test_an_unknown_mode_is_answered_with_those_that_there_are():
    assert "torchscript/int8-dynamic" in PyTorch().available(setup("lazy")).detail


@pytest.mark.parametrize(
    ("flags", "slow"),
    [
        (("avx2", "fma"), True),
        (("avx2", "fma", "avx512_bf16"), False),
        (("asimd", "bf16"), False),  # as ARM calls it
        ((), False),  # not known, and so not said
    ],
)
def test_slow_bfloat16_is_said_beforehand(monkeypatch, flags, slow):
    monkeypatch.setattr(pytorch, "cpu_info", lambda: CpuInfo("some CPU", 1, flags=flags))
    assert ("slower" in PyTorch().available(setup("eager", "bf16")).detail) == slow


def test_what_is_not_available_is_refused_with_the_same_words(workspace):
    space = workspace(TinyConvNet(), "pytorch", "eager", "fp16")
    with pytest.raises(FrameworkError, match="for GPUs: take bf16"):
        PyTorch().prepare(space)


def test_finding_out_does_not_import_pytorch():
    code = (
        "import sys; from wattmark.frameworks.pytorch import PyTorch;"
        "from wattmark.records import Setup;"
        "PyTorch().available(Setup(framework='pytorch', mode='compile'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
