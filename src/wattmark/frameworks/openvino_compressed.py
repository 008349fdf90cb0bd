"""Reduced precision for OpenVINO, by NNCF: calibrated INT8, and compressed weights."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from wattmark.contracts import Inputs, Network
from wattmark.errors import UnsupportedSetupError

#: weights that share a scale in INT4; as many as in ONNX Runtime's setups and in GGUF's Q4_1
_GROUP = 32
_TRANSFORMER = ("LayerNorm", "RMSNorm", "Attention")


def quantised(model: Any, network: Network, calibration: Sequence[Inputs]) -> Any:
    """INT8 weights and activations, with ranges seen on real inputs (and reads, by name).

    With SmoothQuant where the network has attention or normalises rows (arXiv:2211.10438).
    """
    import nncf

    layers = {type(layer).__name__ for layer in network.module().modules()}
    transformer = any(word in layer for layer in layers for word in _TRANSFORMER)
    with _quiet(nncf):
        return nncf.quantize(
            model,
            nncf.Dataset(calibration),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            subset_size=len(calibration),
        )


def with_compressed_weights(model: Any, bits: int, label: str) -> Any:
    """Weights as 8- or 4-bit integers; for 4, embeddings and the last layer get 8.

    One scale and zero point per output channel for 8 bits, per 32 weights for 4 (fewer where 32
    does not divide a row). Raises UnsupportedSetupError where nothing can be compressed.
    """
    import nncf

    with _quiet(nncf):
        if bits == 8:
            compressed = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
        else:
            adjust = nncf.AdvancedCompressionParameters(
                group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST
            )
            compressed = nncf.compress_weights(
                model,
                mode=nncf.CompressWeightsMode.INT4_ASYM,
                group_size=_GROUP,
                advanced_parameters=adjust,
            )
    kinds = {8: ("u8", "i8"), 4: ("u4", "i4")}[bits]
    constants = (op for op in compressed.get_ops() if op.get_type_name() == "Constant")
    if not any(op.get_element_type().get_type_name() in kinds for op in constants):
        raise UnsupportedSetupError(
            f"{label}: the model has no weights that NNCF stores in {bits} bits: "
            f"take int8-static, or another precision"
        )
    return compressed


@contextlib.contextmanager
def _quiet(nncf: Any) -> Iterator[None]:
    """Progress bars go to stdout."""
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        yield
