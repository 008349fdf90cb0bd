"""ATen's operators as native JAX functions: one table, ``OPS``.

Import this module late: it imports JAX. Tensors are 32 bit, as is JAX's default: ``int64``
becomes ``int32``, ``float64`` becomes ``float32``. Operands come already promoted (see
:mod:`capture`). Convolutions come channels last (see :mod:`channels_last`). Each kind of operator
has a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattmark.frameworks.aten import jax_elementwise, jax_images, jax_layers, jax_shapes

OPS: dict[str, Callable[..., Any]] = {
    **jax_shapes.OPS,
    **jax_elementwise.OPS,
    **jax_layers.OPS,
    **jax_images.OPS,
}
