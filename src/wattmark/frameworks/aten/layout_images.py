"""Rules that turn ATen's image operators into channels-last ones; see channels_last."""

from __future__ import annotations

from typing import Any

from wattmark.frameworks.aten.layout import Layout, Rule
from wattmark.frameworks.aten.program import Node, Ref
from wattmark.frameworks.aten.rewrite import argument


def _convolution(layout: Layout, node: Node) -> bool:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = node.args
    if transposed:
        return _transposed_convolution(layout, node)
    axes = node.type.rank - 2
    channels = layout.types[x.name].shape[1]
    geometry = {
        "stride": _spread(stride, axes),
        "padding": padding,
        "dilation": _spread(dilation, axes),
    }
    rank = layout.types[weight.name].rank
    order = [*range(2, rank), 1, 0]
    kernel = layout.transposed(layout.as_first(weight.name), order, "kernel")
    bias = None if bias is None else layout.as_first(bias.name)
    source = layout.as_last(x.name)
    if groups == channels > 1:
        kernel = _depthwise_kernel(layout, kernel, channels)
        op = "channels_last.depthwise_convolution"
        return layout.emit_last(node, op, source, kernel, bias, **geometry)
    op = "channels_last.convolution"
    return layout.emit_last(node, op, source, kernel, bias, **geometry, groups=groups)


def _depthwise_kernel(layout: Layout, kernel: Ref, channels: int) -> Ref:
    """From (*kernel, 1, channels x multiplier) to (*kernel, channels, multiplier)."""
    before = layout.new.types[kernel.name].shape
    shape = (*before[:-2], channels, before[-1] // channels)
    return layout.reshaped(kernel, shape, f"{kernel.name}/depthwise")


def _transposed_convolution(layout: Layout, node: Node) -> bool:
    x, weight, bias, stride, padding, dilation, _, output_padding, groups = node.args
    axes = node.type.rank - 2
    if groups != 1 or max(dilation) > 1:
        return False
    extra = _spread(output_padding, axes)
    rank = layout.types[weight.name].rank
    order = [*range(2, rank), 1, 0]
    return layout.emit_last(
        node,
        "channels_last.transposed_convolution",
        layout.as_last(x.name),
        layout.transposed(layout.as_first(weight.name), order, "kernel"),
        None if bias is None else layout.as_first(bias.name),
        stride=_spread(stride, axes),
        crop=[[a, b - more] for (a, b), more in zip(padding, extra, strict=True)],
    )


def _max_pool(layout: Layout, node: Node) -> bool:
    axes = node.type.rank - 2
    kernel = _spread(node.args[1], axes)
    stride = _spread(argument(node, 2, "stride", []) or kernel, axes)
    padding = _spread(argument(node, 3, "padding", 0), axes)
    dilation = _spread(argument(node, 4, "dilation", 1), axes)
    size = layout.types[node.args[0].name].shape[2:]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return layout.emit_last(
        node,
        "channels_last.max_pool",
        layout.as_last(node.args[0].name),
        kernel=kernel,
        stride=stride,
        padding=_pairs(size, node.type.shape[2:], reach, stride, padding),
        dilation=dilation,
    )


def _avg_pool(layout: Layout, node: Node) -> bool:
    axes = node.type.rank - 2
    kernel = _spread(node.args[1], axes)
    stride = _spread(argument(node, 2, "stride", []) or kernel, axes)
    padding = _spread(argument(node, 3, "padding", 0), axes)
    size, wanted = layout.types[node.args[0].name].shape[2:], node.type.shape[2:]
    counts_padding = argument(node, 5, "count_include_pad", True) and any(padding)
    if argument(node, 6, "divisor_override", None) is not None:
        return False
    if wanted == (1,) * axes and not counts_padding:  # one window, which may be far too large
        kernel = [min(k - p, n) for k, p, n in zip(kernel, padding, size, strict=True)]
        padding = [0] * axes
    pairs = _pairs(size, wanted, kernel, stride, padding)
    if counts_padding and pairs != [[p, p] for p in padding]:
        return False
    return layout.emit_last(
        node,
        "channels_last.avg_pool",
        layout.as_last(node.args[0].name),
        kernel=kernel,
        stride=stride,
        padding=pairs,
        count_include_pad=counts_padding,
    )


def _adaptive_avg_pool(layout: Layout, node: Node) -> bool:
    """Windows of one size, where the sizes divide; else declined."""
    name, wanted = node.args[0].name, node.type.shape[2:]
    size = layout.types[name].shape[2:]
    if any(n % m for n, m in zip(size, wanted, strict=True)):
        return False
    kernel = [n // m for n, m in zip(size, wanted, strict=True)]
    return layout.emit_last(
        node,
        "channels_last.avg_pool",
        layout.as_last(name),
        kernel=kernel,
        stride=kernel,
        padding=[[0, 0]] * len(kernel),
        count_include_pad=True,
    )


def _upsample_nearest(layout: Layout, node: Node) -> bool:
    """Times a whole number; else declined, since frameworks round differently."""
    name, wanted = node.args[0].name, node.type.shape[2:]
    size = layout.types[name].shape[2:]
    if any(m % n for n, m in zip(size, wanted, strict=True)):
        return False
    times = [m // n for n, m in zip(size, wanted, strict=True)]
    return layout.emit_last(
        node, "channels_last.upsample_nearest", layout.as_last(name), times=times
    )


def _group_norm(layout: Layout, node: Node) -> bool:
    x, weight, bias, *_, groups, eps = node.args
    if node.type.rank < 3:
        return False
    scale, shift = (None if a is None else layout.as_first(a.name) for a in (weight, bias))
    source = layout.as_last(x.name)
    return layout.emit_last(
        node, "channels_last.group_norm", source, scale, shift, groups=groups, eps=eps
    )


def _spread(value: Any, axes: int) -> list[int]:
    """One number a spatial axis, from a number or a list of one."""
    values = value if isinstance(value, list) else [value]
    return values * axes if len(values) == 1 else values


def _pairs(
    size: tuple[int, ...],
    result: tuple[int, ...],
    reach: list[int],
    stride: list[int],
    padding: list[int],
) -> list[list[int]]:
    """Padding before and after, with what ``ceil_mode`` lets the last window reach beyond."""
    return [
        [p, max(p, (out - 1) * s + r - n - p)]
        for n, out, r, s, p in zip(size, result, reach, stride, padding, strict=True)
    ]


RULES: dict[str, Rule] = {
    "aten.convolution.default": _convolution,
    "aten.max_pool2d_with_indices.default": _max_pool,
    "aten.avg_pool2d.default": _avg_pool,
    "aten._adaptive_avg_pool2d.default": _adaptive_avg_pool,
    "aten.upsample_nearest2d.default": _upsample_nearest,
    "aten.upsample_nearest2d.vec": _upsample_nearest,
    "aten.native_group_norm.default": _group_norm,
}
