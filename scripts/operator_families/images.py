"""ViT, ResNet and EfficientNet from transformers' configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch


def _classifier(model: Any) -> torch.nn.Module:
    """Logits of one of transformers' image classifiers, with statistics that are not 0 and 1."""
    import torch

    class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            for norm in model.modules():
                if isinstance(norm, torch.nn.BatchNorm2d):
                    torch.nn.init.uniform_(norm.running_mean, -0.2, 0.2)
                    torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)

        def forward(self, image: Any) -> Any:
            return self.model(image).logits

    return Classifier().eval()


def _vit() -> torch.nn.Module:
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=48,
        image_size=16,
        patch_size=8,
        num_labels=5,
    )
    return _classifier(ViTForImageClassification(config))


def _resnet() -> torch.nn.Module:
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[16, 32],
        depths=[1, 2],
        layer_type="bottleneck",
        num_labels=5,
    )
    return _classifier(ResNetForImageClassification(config))


def _efficientnet() -> torch.nn.Module:
    import torch
    from transformers import EfficientNetConfig, EfficientNetForImageClassification

    torch.manual_seed(0)
    config = EfficientNetConfig(
        image_size=32,
        width_coefficient=0.25,
        depth_coefficient=1.0,
        kernel_sizes=[3, 5],
        in_channels=[32, 16],
        out_channels=[16, 64],
        strides=[1, 2],
        num_block_repeats=[1, 2],
        expand_ratios=[1, 4],
        depthwise_padding=[1],
        hidden_dim=320,
        num_labels=5,
    )
    return _classifier(EfficientNetForImageClassification(config))


def _of(side: int) -> tuple[InputSpec, ...]:
    return (InputSpec("image", "float32", (1, 3, side, side)),)


VIT = Network(name="vit", inputs=_of(16), build=_vit)
RES_NET = Network(name="resnet", inputs=_of(32), build=_resnet)
EFFICIENT_NET = Network(name="efficientnet", inputs=_of(32), build=_efficientnet)
