"""ATen's operators as native TensorFlow functions: one table, ``OPS``, and variants of it.

Import this module late: it imports TensorFlow. Tensors are 32 bit: ``int64`` becomes ``int32``,
``float64`` becomes ``float32``. Operands come already promoted (see :mod:`capture`). Convolutions
come channels last (see :mod:`channels_last`), TensorFlow's best layout on a CPU. Each kind of
operator has a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattmark.frameworks.aten import tf_elementwise, tf_images, tf_layers, tf_shapes

#: for graphs that TensorFlow itself runs
OPS: dict[str, Callable[..., Any]] = {
    **tf_shapes.OPS,
    **tf_elementwise.OPS,
    **tf_layers.OPS,
    **tf_images.OPS,
}
#: for graphs that XLA compiles
XLA_OPS = OPS | tf_shapes.COMPILED_OPS | tf_images.XLA_OPS
#: for graphs that become LiteRT flatbuffers, which have no error function of their own
LITERT_OPS = OPS | tf_shapes.COMPILED_OPS | tf_images.LITERT_OPS
del LITERT_OPS["aten.erf.default"]
