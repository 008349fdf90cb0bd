"""ATen's operators on elements in TensorFlow: arithmetic, comparison, logic, activations.

Import this module late. Operands come already promoted (see :mod:`capture`). Where Grappler knows
a pattern (convolution + bias + ReLU6), the rule is written so that it finds it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any


def _add(x: Tensor, y: Any, alpha: float = 1) -> Tensor:
    return x + (y if alpha == 1 else y * alpha)


def _sub(x: Any, y: Any, alpha: float = 1) -> Tensor:
    return x - (y if alpha == 1 else y * alpha)


def _div(x: Tensor, y: Any, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode == "floor":
        return x // y
    if rounding_mode and x.dtype.is_integer:
        return tf.truncatediv(x, tf.cast(y, x.dtype))
    quotient = x / y
    whole = tf.where(quotient < 0, tf.math.ceil(quotient), tf.math.floor(quotient))
    return whole if rounding_mode else quotient


def _pow(x: Tensor, exponent: float) -> Tensor:
    named = {2: tf.square, 0.5: tf.sqrt, -0.5: tf.math.rsqrt, -1: tf.math.reciprocal}
    return named[exponent](x) if exponent in named else tf.pow(x, tf.cast(exponent, x.dtype))


def _clamp(x: Tensor, low: float | None = None, high: float | None = None) -> Tensor:
    x = x if low is None else tf.maximum(x, tf.cast(low, x.dtype))
    return x if high is None else tf.minimum(x, tf.cast(high, x.dtype))


def _hardtanh(x: Tensor, low: float = -1.0, high: float = 1.0) -> Tensor:
    return tf.nn.relu6(x) if (low, high) == (0, 6) else tf.clip_by_value(x, low, high)


def _elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return tf.nn.elu(x) if alpha == 1 else tf.where(x > 0, x, alpha * tf.math.expm1(x))


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    return tf.where(x * beta > threshold, x, tf.nn.softplus(x * beta) / beta)


def _compare(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def compare(x: Tensor, y: Any) -> Tensor:
        return function(x, y if tf.is_tensor(y) else tf.cast(y, x.dtype))

    return compare


def _bitwise(
    on_bool: Callable[..., Tensor], on_int: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    def bitwise(x: Tensor, *others: Tensor) -> Tensor:
        return (on_bool if x.dtype == tf.bool else on_int)(x, *others)

    return bitwise


_COMPARISONS = {
    "eq": tf.equal,
    "ne": tf.not_equal,
    "lt": tf.less,
    "le": tf.less_equal,
    "gt": tf.greater,
    "ge": tf.greater_equal,
}
_AND = _bitwise(tf.logical_and, tf.bitwise.bitwise_and)
_OR = _bitwise(tf.logical_or, tf.bitwise.bitwise_or)
_XOR = _bitwise(tf.math.logical_xor, tf.bitwise.bitwise_xor)
_NOT = _bitwise(tf.logical_not, tf.bitwise.invert)

OPS: dict[str, Callable[..., Any]] = {
    # arithmetic
    **{f"aten.add.{kind}": _add for kind in ("Tensor", "Scalar")},
    **{f"aten.sub.{kind}": _sub for kind in ("Tensor", "Scalar")},
    **{f"aten.mul.{kind}": operator.mul for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}": operator.truediv for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}_mode": _div for kind in ("Tensor", "Scalar")},
    **{f"aten.remainder.{kind}": tf.math.floormod for kind in ("Tensor", "Scalar")},
    "aten.rsub.Scalar": lambda x, y, alpha=1: _sub(y, x, alpha),
    "aten.pow.Tensor_Scalar": _pow,
    "aten.pow.Tensor_Tensor": tf.pow,
    "aten.pow.Scalar": lambda base, x: tf.pow(tf.cast(base, x.dtype), x),
    "aten.maximum.default": tf.maximum,
    "aten.minimum.default": tf.minimum,
    "aten.neg.default": tf.negative,
    "aten.abs.default": tf.abs,
    "aten.sign.default": tf.sign,
    "aten.floor.default": tf.floor,
    "aten.ceil.default": tf.math.ceil,
    "aten.round.default": tf.round,
    "aten.reciprocal.default": tf.math.reciprocal,
    "aten.sqrt.default": tf.sqrt,
    "aten.rsqrt.default": tf.math.rsqrt,
    "aten.exp.default": tf.exp,
    "aten.expm1.default": tf.math.expm1,
    "aten.log.default": tf.math.log,
    "aten.log1p.default": tf.math.log1p,
    "aten.sin.default": tf.sin,
    "aten.cos.default": tf.cos,
    "aten.erf.default": tf.math.erf,
    "aten.clamp.default": _clamp,
    # comparison and logic
    **{f"aten.{name}.Tensor": function for name, function in _COMPARISONS.items()},
    **{f"aten.{name}.Scalar": _compare(function) for name, function in _COMPARISONS.items()},
    **dict.fromkeys(("aten.bitwise_and.Tensor", "aten.logical_and.default"), _AND),
    **dict.fromkeys(("aten.bitwise_or.Tensor", "aten.logical_or.default"), _OR),
    **dict.fromkeys(("aten.bitwise_xor.Tensor", "aten.logical_xor.default"), _XOR),
    **dict.fromkeys(("aten.bitwise_not.default", "aten.logical_not.default"), _NOT),
    "aten.where.self": tf.where,
    # activations
    "aten.relu.default": tf.nn.relu,
    "aten.hardtanh.default": _hardtanh,
    "aten.leaky_relu.default": lambda x, slope=0.01: tf.nn.leaky_relu(x, slope),
    "aten.elu.default": _elu,
    "aten.gelu.default": lambda x, approximate="none": tf.nn.gelu(x, approximate != "none"),
    "aten.silu.default": tf.nn.silu,
    "aten.softplus.default": _softplus,
    "aten.sigmoid.default": tf.sigmoid,
    "aten.tanh.default": tf.tanh,
    "aten.hardsigmoid.default": lambda x: tf.nn.relu6(x + 3) / 6,
    "aten.hardswish.default": lambda x: x * (tf.nn.relu6(x + 3) / 6),
}
