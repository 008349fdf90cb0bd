"""llama.cpp on CPU, through the build that the package ``xllamacpp`` carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wattmark.contracts import Availability, Inputs, Network, Output, State, Workspace
from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks.support import has_cell, lacks, unavailable
from wattmark.records import Precision, Setup

_FILE = "model.gguf"


class LlamaCpp:
    """Mode ``gguf``: a GGUF file that we write from the same weights as all other setups.

    ``fp16`` is F16, ``int8-weight-only`` is Q8_0, ``int4-weight-only`` is Q4_K_M (see
    `gguf_export` for which tensor gets which format); ``fp32`` is F32 with an F32 cache. All but
    FP32 keep the cache in F16, llama.cpp's default.

    llama.cpp computes no padding: of a padded prompt it gets the real tokens only, where other
    frameworks run programs of fixed length. That is how it is used, and part of what it costs.
    """

    name = "llamacpp"
    modes: Mapping[str, tuple[Precision, ...]] = {
        "gguf": (
            Precision.FP32,
            Precision.FP16,
            Precision.INT8_WEIGHT_ONLY,
            Precision.INT4_WEIGHT_ONLY,
        )
    }
    packages = ("xllamacpp", "gguf", "torch")
    devices = ("cpu",)
    extra = "llamacpp"

    def available(self, setup: Setup) -> Availability:
        """Whether its packages are installed; this build has no GPU code."""
        missing = has_cell(self.name, self.modes, setup) or lacks(self.packages, self.extra)
        if missing is None and setup.device != "cpu":
            return unavailable("xllamacpp's packaged build computes on the CPU: leave out /cuda")
        return missing or Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Nothing: the number of threads is set on the context."""
        return {"OMP_NUM_THREADS": str(threads)}

    def prepare(self, workspace: Workspace) -> None:
        """Write the GGUF file. Raises UnsupportedSetupError for what is not a Llama."""
        from wattmark.frameworks.gguf_export import write_gguf

        if not workspace.model.stateful or "context" not in workspace.model.axes:
            raise UnsupportedSetupError(
                f"llama.cpp runs decoders with a cache; {workspace.name or workspace.model.name} "
                "is not one: choose another framework"
            )
        write_gguf(workspace.model, workspace.setup.precision, workspace.out / _FILE)

    def load(self, artefact: Path, model: Network, setup: Setup, threads: int) -> LlamaCppRunner:
        """The file in memory, with a cache for the setup's batch. Raises FrameworkError."""
        return LlamaCppRunner(artefact / _FILE, model, setup, threads)


class LlamaCppRunner:
    """The network ``decode``: the cache lives in llama.cpp and state is a token for it.

    One set of sequences at a time: `start` forgets those of the query before.
    """

    def __init__(self, path: Path, network: Network, setup: Setup, threads: int) -> None:
        import gguf

        from wattmark.frameworks.llama_cpp_library import Context

        try:
            reader = gguf.GGUFReader(path)
            vocabulary = int(reader.fields["llama.vocab_size"].contents())
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise FrameworkError(
                f"{path.name} is not a whole GGUF file ({error}): prepare it again"
            ) from error
        self._context = Context(
            path,
            vocabulary=vocabulary,
            context=max(network.axes["context"]),
            sequences=setup.batch,
            tokens=setup.batch * max(network.axes["length"]),
            threads=threads,
            exact=setup.precision is Precision.FP32,
        )
        self._query = 0

    def start(self, sizes: Mapping[str, int]) -> State:
        """Empty sequences; earlier state is of no use any more."""
        self._context.clear()
        self._query += 1
        return {"llama.cpp": self._query}

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """Continue every sequence by its real tokens; the logits (batch, vocabulary)."""
        if state.get("llama.cpp") != self._query:
            raise FrameworkError("llama.cpp keeps one query at a time, and this is an earlier one")
        logits: Output = self._context.decode(
            inputs["input_ids"], inputs["start"], inputs["last"]
        ).astype(np.float32, copy=False)
        return logits, state
