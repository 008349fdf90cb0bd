"""A third party's plug-in: a task, a model, and a framework whose modes fail in every known way.

It lies on the path of the tests and of the workers that they start, found by its entry points
like any other plug-in. Nothing of Wattmark knows it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.contracts import (
    Availability,
    Example,
    Inputs,
    InputSpec,
    Mark,
    MeterInfo,
    Network,
    Output,
    Pipeline,
    Runner,
    Runners,
    Workspace,
)
from wattmark.errors import UnsupportedSetupError
from wattmark.metrology import (
    Accuracy,
    counted_energy,
    elapsed_s,
    window_without_idle,
)
from wattmark.pipelines import Forward
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow, MeterReading, ModelInfo, Precision, Setup, TaskInfo

WEIGHTS = np.random.default_rng(7).standard_normal((3, 16)).astype(np.float32)
#: Calls that load and warm-up may take before a mode misbehaves.
HARMLESS_CALLS = 70


class FakeTask:
    """Which of three directions does a vector point to? One label in ten is wrong."""

    name = "fake-task"
    default_model = "fake-model"
    metric = "accuracy"
    higher_is_better = True

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        rng = np.random.default_rng(seed)
        examples = []
        for number in range(samples):
            x = rng.standard_normal((1, 16)).astype(np.float32)
            label = int(np.argmax(x @ WEIGHTS.T))
            examples.append(Example(x, str((label + (number % 10 == 0)) % 3)))
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric="accuracy",
            samples=samples,
            data_digest=f"{samples}-{seed}",
            licence="CC0-1.0",
        )
        return info, examples

    def predict(self, answer: Any) -> str:
        return str(int(np.argmax(answer)))

    def score(self, prediction: str, label: Any) -> float:
        return float(prediction == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        return float(np.mean([p == q for p, q in zip(predictions, labels, strict=True)]))


class InSteps:
    """Asks the same again ``steps`` times after a first answer, and marks every step."""

    phases = {"first": "step", "rest": "step"}

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        output: Output = runners["forward"](inputs)
        mark("first", len(output))
        for _ in range(self.steps):
            output = runners["forward"](inputs)
            mark("rest", len(output))
        return output

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        output: Output = runners["forward"](inputs)
        return output


@dataclass(frozen=True)
class FakeData:
    """The task's own examples under another name, with or without their labels."""

    name: str
    label: str = "one of three directions"
    repo: str = "org/fake"
    split: str = "all"
    licence: str = "CC0-1.0"
    gated: bool = False
    unit: str = "query"
    collections: tuple[str, ...] = ("both",)

    def draw(self, samples: int, seed: int, folder: Path | None) -> tuple[str, list[Example]]:
        drawn = FakeTask().load(samples, seed + len(self.name))[1]
        label = (lambda e: e.label) if self.label else (lambda e: None)
        examples = [Example(e.data, label(e), self.name) for e in drawn]
        return f"{self.name} of {folder or self.repo}", examples


DATASETS = (FakeData("labelled"), FakeData("bare", label=""))


def _module() -> Any:
    import torch

    layer = torch.nn.Linear(16, 3, bias=False)
    layer.weight.data = torch.from_numpy(WEIGHTS.copy())
    return layer.eval()


class FakeModel:
    """One linear layer; option ``steps=N`` asks it N more times."""

    name = "fake-model"
    task = "fake-task"

    def info(self) -> ModelInfo:
        return ModelInfo(name=self.name, digest="f" * 64, licence="CC0-1.0")

    def networks(self) -> tuple[Network, ...]:
        return (Network("forward", (InputSpec("x", "float32", (1, 16)),), _module),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        if unknown := set(options) - {"steps"}:
            raise UnsupportedSetupError(f"fake-model has no option {unknown.pop()}")
        return InSteps(int(options["steps"])) if options else Forward(options)

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        return [{"x": x} for x in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> Output:
        return output


class FakeFramework:
    """Multiplies with numpy; every mode but ``right`` and ``double`` fails in its own way."""

    name = "fake"
    modes = dict.fromkeys(
        ("right", "double", "wrong", "unprepared", "segfault", "killed", "memory", "hang", "flaky"),
        (Precision.FP32,),
    )
    packages = ("numpy",)
    extra = "fake"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}

    def prepare(self, workspace: Workspace) -> None:
        if workspace.setup.mode == "unprepared":
            raise ValueError("this model cannot be converted")
        weights = WEIGHTS * 1.01 if workspace.setup.mode == "wrong" else WEIGHTS
        np.save(workspace.out / "weights.npy", weights)

    def available(self, setup: Setup) -> Availability:
        return Availability(True)

    def load(self, artefact: Path, model: Network, setup: Setup, threads: int) -> Runner:
        weights = np.load(artefact / "weights.npy").T
        work = np.ones((64, 64), np.float32)
        calls = 0

        def run(inputs: Inputs) -> Output:
            nonlocal calls
            calls += 1
            if calls > HARMLESS_CALLS:
                misbehave(setup.mode, calls)
            for _ in range(40 if setup.mode == "double" else 20):
                work @ work
            return np.asarray(inputs["x"] @ weights)

        return run


def misbehave(mode: str, calls: int) -> None:
    """Fail as the mode says."""
    match mode:
        case "segfault":
            sys.stderr.write("about to crash\n")
            os.kill(os.getpid(), signal.SIGSEGV)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            raise MemoryError("cannot allocate 1 TiB")
        case "hang":
            time.sleep(3600)
        case "flaky" if calls % 5 == 0:
            raise ValueError(f"call {calls} failed")


class FakeVulkan:
    """A framework with a device and a precision that nothing of Wattmark knows.

    Its weights have the 4 exponent and 3 mantissa bits of FP8.
    """

    name = "fake-vulkan"
    modes = {"shader": (Precision("fp8-e4m3"),)}
    devices = ("vulkan",)
    packages = ("numpy",)
    extra = "fake"

    def available(self, setup: Setup) -> Availability:
        return Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        return {}

    def prepare(self, workspace: Workspace) -> None:
        mantissa, exponent = np.frexp(WEIGHTS)
        weights = np.ldexp(np.round(mantissa * 16) / 16, exponent)
        np.save(workspace.out / f"{workspace.setup.device}.npy", weights)

    def load(self, artefact: Path, model: Network, setup: Setup, threads: int) -> Runner:
        weights = np.load(artefact / f"{setup.device}.npy").T
        return lambda inputs: np.asarray(inputs["x"] @ weights)


class FakeCounter:
    """The counter of a device that draws 40 W at idle and 10 W more for each busy core."""

    name = "fake-counter"
    grade = Grade.COUNTED

    def probe(self) -> Availability:
        return Availability(True)

    def open(self, cores: int) -> MeterInfo:
        return MeterInfo(self.name, ("cpu",), self.grade, 1e-5, by_name_only=True)

    def read(self) -> MeterReading:
        time_ns = time.monotonic_ns()
        joules = 40.0 * time_ns / 1e9 + 10.0 * time.process_time_ns() / 1e9
        return MeterReading(time_ns=time_ns, values={"cpu": joules})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        wall_s = elapsed_s(before, after)
        joules = after.values["cpu"] - before.values["cpu"]
        gross = counted_energy(joules, wall_s, Accuracy(1e-5, 1.0, 1.0))
        window = window_without_idle(self.name, "cpu", gross, before, after)
        return (window.model_copy(update={"flags": (Reason.ALIASING,)}),)

    def close(self) -> None:
        """Nothing to release."""
