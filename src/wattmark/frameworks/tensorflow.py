"""TensorFlow: the captured program as one ``tf.function`` for each padding bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Model, Output, Runner, Workspace
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.dispatch import ShapeDispatch
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program, Weights

_XLA = "xla"
_DISTRIBUTIONS = ("tensorflow-cpu", "tensorflow")


class TensorFlow:
    """TensorFlow on CPU. Mode ``graph``: Grappler and oneDNN; mode ``xla``: compiled by XLA.

    Graphs are built by ``load``. In ``graph`` mode weights are constants of the graph, so that
    Grappler can fold and oneDNN can reorder them; in ``xla`` mode they are arguments, which was
    seen to be as fast and is quicker to compile. ``xla`` compiles at each load: TensorFlow's
    persistent XLA cache works on a CPU, but saved only half of that time, which is what filling
    it costs.
    """

    name = "tensorflow"
    modes: Mapping[str, tuple[Precision, ...]] = {
        "graph": (Precision.FP32,),
        _XLA: (Precision.FP32,),
    }
    extra = "tensorflow"

    def __init__(self) -> None:
        #: the distribution that is installed, by either of its names
        self.packages: tuple[str, ...] = (_installed(),)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Thread pools of the asked size; one query has no operators to run side by side."""
        variables = {"TF_CPP_MIN_LOG_LEVEL": "2"}
        if threads:
            variables |= {
                "OMP_NUM_THREADS": str(threads),
                "TF_NUM_INTRAOP_THREADS": str(threads),
                "TF_NUM_INTEROP_THREADS": "1",
            }
        if threads == 1:
            variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        return variables

    def prepare(self, workspace: Workspace) -> None:
        """Capture the program.

        Raises UnsupportedOpError for an operator that the table lacks, before anything runs.
        """
        programs = artefacts.shared_programs(workspace)
        from wattmark.frameworks.aten.tf_ops import OPS

        check_supported(programs, OPS, "TensorFlow")

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """A runner with every bucket traced, compiled and run once."""
        programs = artefacts.read_programs(artefact)
        weights = {n: artefacts.narrow(w) for n, w in artefacts.read_weights(artefact).items()}
        build = _Build(weights, xla=setup.mode == _XLA)
        return ShapeDispatch.compiled(programs, build.function)


def _installed() -> str:
    for name in _DISTRIBUTIONS:
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        return name
    return _DISTRIBUTIONS[0]


class _Build:
    """Builds one concrete function a program; weights held as tensors are shared by all."""

    def __init__(self, weights: Weights, xla: bool) -> None:
        self._weights = weights
        self._xla = xla
        self._tensors: dict[str, Any] = {}

    def function(self, program: Program) -> Callable[..., Output]:
        """One bucket as a function of host arrays."""
        import tensorflow as tf

        from wattmark.frameworks.aten.tf_ops import OPS, XLA_OPS

        ops = XLA_OPS if self._xla else OPS
        looked_up = {
            node.args[0].name for node in program.nodes if node.op == "aten.embedding.default"
        }
        shared = set(program.weights) if self._xla else looked_up & set(program.weights)
        for name in shared - set(self._tensors):
            self._tensors[name] = tf.constant(self._weights[name])

        def forward(*inputs: Any) -> Any:
            values = {
                name: self._tensors[name] if name in shared else tf.constant(self._weights[name])
                for name in program.weights
            }
            for name, tensor in zip(program.inputs, inputs, strict=True):
                wide = tensor.dtype == tf.int64
                values[name] = tf.cast(tensor, tf.int32) if wide else tensor
            return evaluate(program, values, ops, "TensorFlow")

        signature = [tf.TensorSpec(t.shape, t.dtype) for t in program.inputs.values()]
        traced = tf.function(forward, signature, autograph=False, jit_compile=self._xla)
        concrete = traced.get_concrete_function()
        constant = tf.constant

        def run(*inputs: Any) -> Output:
            output: Output = concrete(*map(constant, inputs)).numpy()
            return output

        return run
