"""ATen's operators on elements in JAX: arithmetic, comparison, logic, activations.

Import this module late. Operands come already promoted (see :mod:`capture`), so a Python number
never widens.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax


def _add(x: Any, y: Any, alpha: float = 1) -> Array:
    return x + (y if alpha == 1 else y * alpha)


def _sub(x: Any, y: Any, alpha: float = 1) -> Array:
    return x - (y if alpha == 1 else y * alpha)


def _div(x: Array, y: Any, rounding_mode: str | None = None) -> Array:
    if rounding_mode == "floor":
        return jnp.floor_divide(x, y)
    quotient = jnp.trunc(x / y) if rounding_mode else x / y
    return quotient.astype(x.dtype)


def _pow(x: Array, exponent: float) -> Array:
    if exponent == 0.5:
        return jnp.sqrt(x)
    if float(exponent).is_integer():
        return lax.integer_pow(x, int(exponent))
    return jnp.power(x, exponent)


def _clamp(x: Array, low: float | None = None, high: float | None = None) -> Array:
    return jnp.clip(x, low, high)


def _softplus(x: Array, beta: float = 1, threshold: float = 20) -> Array:
    return jnp.where(x * beta > threshold, x, jax.nn.softplus(x * beta) / beta)


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")

OPS: dict[str, Callable[..., Any]] = {
    # arithmetic
    **{f"aten.add.{kind}": _add for kind in ("Tensor", "Scalar")},
    **{f"aten.sub.{kind}": _sub for kind in ("Tensor", "Scalar")},
    **{f"aten.mul.{kind}": operator.mul for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}": operator.truediv for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}_mode": _div for kind in ("Tensor", "Scalar")},
    **{f"aten.remainder.{kind}": jnp.mod for kind in ("Tensor", "Scalar")},
    "aten.rsub.Scalar": lambda x, y, alpha=1: _sub(y, x, alpha),
    "aten.pow.Tensor_Scalar": _pow,
    "aten.pow.Tensor_Tensor": jnp.power,
    "aten.pow.Scalar": jnp.power,
    "aten.maximum.default": jnp.maximum,
    "aten.minimum.default": jnp.minimum,
    "aten.neg.default": operator.neg,
    "aten.abs.default": jnp.abs,
    "aten.sign.default": jnp.sign,
    "aten.floor.default": jnp.floor,
    "aten.ceil.default": jnp.ceil,
    "aten.round.default": jnp.round,
    "aten.reciprocal.default": jnp.reciprocal,
    "aten.sqrt.default": jnp.sqrt,
    "aten.rsqrt.default": lax.rsqrt,
    "aten.exp.default": jnp.exp,
    "aten.expm1.default": jnp.expm1,
    "aten.log.default": jnp.log,
    "aten.log1p.default": jnp.log1p,
    "aten.sin.default": jnp.sin,
    "aten.cos.default": jnp.cos,
    "aten.erf.default": lax.erf,
    "aten.clamp.default": _clamp,
    # comparison and logic
    **{f"aten.{n}.Tensor": getattr(operator, n) for n in _COMPARISONS},
    **{f"aten.{n}.Scalar": getattr(operator, n) for n in _COMPARISONS},
    **dict.fromkeys(("aten.bitwise_and.Tensor", "aten.logical_and.default"), operator.and_),
    **dict.fromkeys(("aten.bitwise_or.Tensor", "aten.logical_or.default"), operator.or_),
    **dict.fromkeys(("aten.bitwise_xor.Tensor", "aten.logical_xor.default"), operator.xor),
    **dict.fromkeys(("aten.bitwise_not.default", "aten.logical_not.default"), operator.invert),
    "aten.where.self": jnp.where,
    # activations
    "aten.relu.default": jax.nn.relu,
    "aten.hardtanh.default": lambda x, low=-1.0, high=1.0: jnp.clip(x, low, high),
    "aten.leaky_relu.default": lambda x, slope=0.01: jax.nn.leaky_relu(x, slope),
    "aten.elu.default": lambda x, alpha=1.0: jax.nn.elu(x, alpha),
    "aten.gelu.default": lambda x, approximate="none": jax.nn.gelu(x, approximate != "none"),
    "aten.silu.default": jax.nn.silu,
    "aten.softplus.default": _softplus,
    "aten.sigmoid.default": jax.nn.sigmoid,
    "aten.tanh.default": jnp.tanh,
    "aten.hardsigmoid.default": jax.nn.hard_sigmoid,
    "aten.hardswish.default": jax.nn.hard_swish,
}
