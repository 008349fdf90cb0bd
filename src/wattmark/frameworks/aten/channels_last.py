"""Hold images with their channels last (NHWC), from the first convolution to the last.

ATen's convolutions take channels first. Convolution kernels of TensorFlow and XLA on a CPU want
channels last, and a transpose around each would handicap them. This pass follows which values
are held channels last through convolutions, pooling, element-wise operators, padding,
concatenation and reductions; only what is left at the borders is transposed, and weights are
transposed here, once. In the result every convolution and pooling is a ``channels_last``
operator:

* ``channels_last.convolution(x, weight, bias, stride, padding, dilation, groups)`` with weight
  (*kernel, in channels per group, out channels);
* ``channels_last.depthwise_convolution(x, weight, bias, stride, padding, dilation)`` with weight
  (*kernel, channels, multiplier);
* ``channels_last.transposed_convolution(x, weight, bias, stride, crop)`` with weight (*kernel,
  out channels, in channels), the gradient of a convolution without padding; ``crop`` is what is
  cut off before and after, and what is added where it is negative;
* ``channels_last.max_pool(x, kernel, stride, padding, dilation)`` and
  ``channels_last.avg_pool(x, kernel, stride, padding, count_include_pad)``;
* ``channels_last.upsample_nearest(x, times)`` with one whole number a spatial axis;
* ``channels_last.group_norm(x, weight, bias, groups, eps)``.

Padding and crop are lists of (before, after) pairs, one a spatial axis.
"""

from __future__ import annotations

from wattmark.frameworks.aten import layout_images, layout_shapes
from wattmark.frameworks.aten.layout import Layout
from wattmark.frameworks.aten.program import Program, Weights

_RULES = {**layout_shapes.RULES, **layout_images.RULES}


def channels_last(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """The program with its images held channels last, and its weights to match."""
    return Layout(program, weights).run(_RULES)
