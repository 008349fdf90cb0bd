"""TensorFlow: the captured program as a ``tf.function`` for each size, or as LiteRT flatbuffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.contracts import (
    Availability,
    Network,
    Output,
    Runner,
    StatefulRunner,
    Workspace,
)
from wattmark.frameworks import litert
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.dispatch import Compiled, runner
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.frameworks.support import has_cell, lacks, unavailable
from wattmark.machine.gpus import has_nvidia_gpu
from wattmark.machine.installed import is_installed
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program, TensorType, Weights

_GRAPH, _XLA, _LITERT = "graph", "xla", "litert"
_DISTRIBUTIONS = ("tensorflow-cpu", "tensorflow")
#: bytes of constants in all graphs together above which weights are arguments instead: while
#: TensorFlow 2.21 optimises a graph it was seen to hold its constants about ten times
_CONSTANTS_LIMIT = 1 << 27


class TensorFlow:
    """TensorFlow. Mode ``graph``: Grappler and oneDNN; ``xla``: compiled by XLA; ``litert``: its
    runtime for small devices (see :mod:`wattmark.frameworks.litert`).

    Graphs are built by ``load``. In ``graph`` mode weights are constants of the graph, so that
    Grappler can fold and oneDNN can reorder them (seen to save 5 to 15 % of CPU time), unless all
    graphs together would hold more than 128 MiB; in ``xla`` mode they are arguments, which was
    seen to be as fast and is quicker to compile. ``xla`` compiles at each load: TensorFlow's
    persistent XLA cache works on a CPU, but saved only half of that time, which is what filling
    it costs. A key-value cache is an argument and a result: it is copied in each call.

    There is no mode for TF-TRT: TensorFlow 2.17 was the last release with TensorRT, and its
    builds have none since 2.18 (release notes of 2.17.0 and 2.18.0,
    github.com/tensorflow/tensorflow/releases). TensorRT runs the same models by ONNX Runtime.
    """

    name = "tensorflow"
    modes: Mapping[str, tuple[Precision, ...]] = {
        _GRAPH: (Precision.FP32,),
        _XLA: (Precision.FP32,),
        _LITERT: (Precision.FP32, Precision.INT8_DYNAMIC, Precision.INT8_STATIC),
    }
    devices = ("cpu", "cuda")
    extra = "tensorflow"

    def __init__(self) -> None:
        #: the distribution that is installed, by either of its names, and LiteRT's runtime
        self.packages: tuple[str, ...] = (_installed(), litert.PACKAGE)

    def available(self, setup: Setup) -> Availability:
        """Needs TensorFlow and, for ``litert``, its runtime; for ``cuda`` a build with CUDA."""
        packages = self.packages if setup.mode == _LITERT else self.packages[:1]
        missing = has_cell(self.name, self.modes, setup) or lacks(packages, self.extra)
        if missing is not None:
            return missing
        if setup.device == "cuda":
            if setup.mode == _LITERT:
                return unavailable("this mode runs on the CPU: leave the device out")
            if not has_nvidia_gpu():
                return unavailable("no NVIDIA GPU is visible: run on a machine that has one")
            if not is_installed("tensorflow"):
                return unavailable(
                    "tensorflow-cpu has no CUDA: pip uninstall tensorflow-cpu, "
                    "then pip install 'tensorflow[and-cuda]'"
                )
        return Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Thread pools of the asked size; one query has no operators to run side by side."""
        variables = {"TF_CPP_MIN_LOG_LEVEL": "2"}
        if setup.device == "cpu":
            variables["CUDA_VISIBLE_DEVICES"] = "-1"
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
        """Capture the program; in ``litert`` mode convert and quantise it.

        Raises UnsupportedOpError for an operator that the table lacks, before anything runs.
        """
        if workspace.setup.mode == _LITERT:
            litert.prepare(workspace)
            return
        programs = artefacts.shared_programs(workspace)
        from wattmark.frameworks.aten.tf_ops import OPS

        check_supported(programs, OPS, "TensorFlow")

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """A runner with every size traced, compiled and run once."""
        if setup.mode == _LITERT:
            return litert.load(artefact, model, threads)
        import tensorflow as tf

        if setup.device == "cuda":  # else it opens, and reserves, every card that it sees
            tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
        programs = artefacts.read_programs(artefact)
        weights = {n: artefacts.narrow(w) for n, w in artefacts.read_weights(artefact).items()}
        build = _Build(weights, model, programs, xla=setup.mode == _XLA)

        def zeros(kind: TensorType) -> Any:
            return tf.zeros(kind.shape, _narrow(kind))

        loaded = runner(model, programs, build.function, zeros)
        weights.clear()  # TensorFlow has its own copy; what traced the graphs keeps this dict
        return loaded


def _installed() -> str:
    return next(filter(is_installed, _DISTRIBUTIONS), _DISTRIBUTIONS[0])


def _narrow(kind: TensorType) -> Any:
    from wattmark.frameworks.aten.tf_shapes import dtype_of

    return dtype_of(kind.dtype)


class _Build:
    """Builds one concrete function a program; weights held as tensors are shared by all."""

    def __init__(
        self, weights: Weights, network: Network, programs: Sequence[Program], xla: bool
    ) -> None:
        self._weights = weights
        self._state = {spec.name for spec in network.reads}
        self._xla = xla
        self._tensors: dict[str, Any] = {}
        looked_up = {
            node.args[0].name
            for program in programs
            for node in program.nodes
            if node.op == "aten.embedding.default"
        }
        size = sum(weights[n].nbytes for p in programs for n in set(p.weights) - looked_up)
        every = xla or size > _CONSTANTS_LIMIT
        #: weights that are not constants of a graph: a table would be copied for nothing
        self._shared = set(weights) if every else looked_up & set(weights)

    def function(self, program: Program) -> Compiled:
        """One program as a function of host arrays and TensorFlow's own state."""
        import tensorflow as tf

        from wattmark.frameworks.aten.tf_ops import OPS, XLA_OPS

        ops = XLA_OPS if self._xla else OPS
        shared = self._shared & set(program.weights)
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

        signature = [
            tf.TensorSpec(kind.shape, _narrow(kind) if name in self._state else kind.dtype)
            for name, kind in program.inputs.items()
        ]
        traced = tf.function(forward, signature, autograph=False, jit_compile=self._xla)
        concrete = traced.get_concrete_function()
        constant = tf.constant

        def run(inputs: Sequence[Any], state: Sequence[Any]) -> tuple[Output, Sequence[Any]]:
            output, *written = concrete(*map(constant, inputs), *state)
            return output.numpy(), written

        return run
