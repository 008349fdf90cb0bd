"""EfficientNet-Lite0 once more, written in Keras 3: the same weights, without a converter.

Layers and weights are those of :mod:`wattmark.models.efficientnet_lite0`; see there for sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import InputSpec, Network
from wattmark.errors import MissingPackageError
from wattmark.models.efficientnet_lite0 import (
    CLASSES,
    HEAD_CHANNELS,
    IMAGE_SIZE,
    STAGES,
    STEM_CHANNELS,
    EfficientNetLite0,
    same_padding,
)
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch


class EfficientNetLite0Keras(EfficientNetLite0):
    """Its network is a ``keras.Model`` under the backend that the process has.

    With Keras' PyTorch backend that is also a PyTorch module: the reference.
    """

    name = "efficientnet-lite0-keras"

    def info(self) -> ModelInfo:
        """Identity: other code, so another digest than the PyTorch model's."""
        info = super().info()
        return info.model_copy(
            update={
                "name": self.name,
                "digest": f"keras-{info.digest}",
                "description": f"{info.description}, in Keras 3",
            }
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward", of fixed size."""
        image = InputSpec("image", "float32", (1, 3, IMAGE_SIZE, IMAGE_SIZE))
        return (Network("forward", (image,), self._build_in_keras),)

    def _build_in_keras(self) -> Any:
        import os

        os.environ.setdefault("KERAS_BACKEND", "torch")
        try:
            import keras
        except ImportError as error:
            raise MissingPackageError(
                f"the model {self.name} needs Keras: install wattmark[keras]"
            ) from error
        model = _functional(keras)
        _set_weights(model, _arrays(self._stored()))
        model.trainable = False
        if keras.backend.backend() == "torch":
            model.eval()
        return model


def _functional(keras: Any) -> Any:
    """The network: image (batch, 3, 224, 224) to logits (batch, 1000), channels last inside."""
    layers = keras.layers

    def convolution(x: Any, outputs: int, kernel: int = 1, stride: int = 1) -> Any:
        return normalised(layers.Conv2D(outputs, kernel, stride, "same", use_bias=False)(x))

    def depthwise(x: Any, size: int, kernel: int, stride: int) -> Any:
        padding = same_padding(size, kernel, stride)
        x = layers.ZeroPadding2D((padding, padding))(x)
        return normalised(layers.DepthwiseConv2D(kernel, stride, "valid", use_bias=False)(x))

    def normalised(x: Any) -> Any:
        return layers.BatchNormalization(epsilon=1e-3)(x)

    def clipped(x: Any) -> Any:
        return layers.ReLU(6.0)(x)

    image = keras.Input((3, IMAGE_SIZE, IMAGE_SIZE), name="image")
    x = layers.Permute((2, 3, 1))(image)
    padding = same_padding(IMAGE_SIZE, 3, 2)
    x = layers.ZeroPadding2D((padding, padding))(x)
    x = clipped(normalised(layers.Conv2D(STEM_CHANNELS, 3, 2, "valid", use_bias=False)(x)))
    size, channels = IMAGE_SIZE // 2, STEM_CHANNELS
    for expansion, outputs, repeats, first_stride, kernel in STAGES:
        for repeat in range(repeats):
            stride, before = first_stride if repeat == 0 else 1, x
            if expansion > 1:
                x = clipped(convolution(x, channels * expansion))
            x = convolution(clipped(depthwise(x, size, kernel, stride)), outputs)
            if stride == 1 and channels == outputs:
                x = layers.Add()([before, x])
            size, channels = -(-size // stride), outputs
    x = clipped(convolution(x, HEAD_CHANNELS))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(CLASSES)(x))


def _arrays(stored: dict[str, torch.Tensor]) -> Iterator[NDArray[np.float32]]:
    """The file's arrays in the order of execution, less the counters of batch normalisation."""
    return (tensor.numpy() for tensor in stored.values() if tensor.ndim)


def _set_weights(model: Any, arrays: Iterator[NDArray[np.float32]]) -> None:
    """Put PyTorch's arrays into Keras' layers, layer by layer in the order of execution."""
    for layer in model.layers:
        if layer.weights:
            own = [next(arrays) for _ in layer.weights]
            layer.set_weights([_in_keras(layer, array) for array in own])


def _in_keras(layer: Any, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch keeps (out, in, h, w) and (out, in); Keras (h, w, in, out) and (in, out)."""
    if array.ndim == 4 and type(layer).__name__ == "DepthwiseConv2D":
        return array.transpose(2, 3, 0, 1)
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array.T if array.ndim == 2 else array
