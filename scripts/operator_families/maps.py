"""A U-Net and a YOLO: networks from images to maps, written here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch


def _unet() -> torch.nn.Module:
    """Group norm, SiLU, a time step, attention, and both ways to double an image's size.

    As in Ho et al., "Denoising Diffusion Probabilistic Models" (arXiv 2006.11239), with the
    transposed convolution of Ronneberger et al., "U-Net" (arXiv 1505.04597).
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 32))
            self.first = nn.Conv2d(1, 16, 3, padding=1)
            self.norm = nn.GroupNorm(4, 16)
            self.down = nn.Conv2d(16, 16, 3, 2, padding=1)
            self.deep = nn.Conv2d(16, 16, 3, 2, padding=1)
            self.attention_norm = nn.GroupNorm(4, 16)
            self.project, self.mix = nn.Linear(16, 48), nn.Linear(16, 16)
            self.up = nn.Conv2d(16, 16, 3, padding=1)
            self.up_more = nn.ConvTranspose2d(32, 16, 3, 2, padding=1, output_padding=1)
            self.last = nn.Conv2d(32, 4, 3, padding=1)

        def forward(self, image: Any, step: Any) -> Any:
            rates = torch.exp(-torch.arange(4) * 2.0)
            angles = step[:, None].float() * rates
            told = self.time(torch.cat([angles.sin(), angles.cos()], 1))[:, :, None, None]
            scale, shift = told.chunk(2, 1)
            whole = functional.silu(self.norm(self.first(image)) * (1 + scale) + shift)
            half = functional.silu(self.down(whole))
            x = self.attend(functional.silu(self.deep(half)))
            x = self.up(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = functional.silu(self.up_more(torch.cat([x, half], 1)))
            x = functional.pixel_shuffle(self.last(torch.cat([x, whole], 1)), 2)
            return functional.avg_pool2d(x, 2)

        def attend(self, x: Any) -> Any:
            height, width = x.shape[2:]
            rows = self.attention_norm(x).flatten(2).transpose(1, 2)
            query, key, value = (
                part.unflatten(2, (2, -1)).transpose(1, 2)
                for part in self.project(rows).chunk(3, 2)
            )
            seen = functional.scaled_dot_product_attention(query, key, value)
            mixed = self.mix(seen.transpose(1, 2).flatten(2))
            return x + mixed.transpose(1, 2).unflatten(2, (height, width))

    torch.manual_seed(0)
    return Net().eval()


def _yolo() -> torch.nn.Module:
    """Leaky ReLU, pooling of stride 1 and 2, a spatial pyramid, upsampling and two scales.

    As in Redmon and Farhadi, "YOLOv3" (arXiv 1804.02767), with the split of later versions.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    def block(given: int, made: int, kernel: int = 3) -> nn.Sequential:
        conv = nn.Conv2d(given, made, kernel, padding=kernel // 2, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(made), nn.LeakyReLU(0.1))

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = block(3, 8)
            self.body = block(8, 16)
            self.inner = block(8, 8)
            self.deep = block(24, 16)
            self.neck = block(16, 8, 1)
            self.pyramid = block(32, 16, 1)
            self.coarse = nn.Conv2d(16, 21, 1)
            self.fine = nn.Conv2d(8 + 24, 21, 1)

        def forward(self, image: Any) -> Any:
            x = functional.max_pool2d(self.stem(image), 2)
            a, b = self.body(x).chunk(2, 1)
            split = torch.cat([a, b, self.inner(b)], 1)
            x = self.deep(functional.max_pool2d(split, 2))
            x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, stride=1)
            x = self.pyramid(torch.cat([x, functional.max_pool2d(x, 5, 1, padding=2)], 1))
            up = functional.interpolate(self.neck(x), scale_factor=2, mode="nearest")
            fine = self.fine(torch.cat([up, split], 1))
            return torch.cat([self.boxes(self.coarse(x)), self.boxes(fine)], 1)

        def boxes(self, x: Any) -> Any:
            batch, _, height, width = x.shape
            x = x.view(batch, 3, 7, height, width).permute(0, 1, 3, 4, 2)
            centre = torch.sigmoid(x[..., :2])
            size = torch.exp(x[..., 2:4])
            said = torch.cat([centre, size, torch.sigmoid(x[..., 4:])], -1)
            return said.reshape(batch, -1, 7)

    torch.manual_seed(0)
    return Net().eval()


U_NET = Network(
    name="u-net",
    inputs=(InputSpec("image", "float32", (1, 1, 16, 16)), InputSpec("step", "int64", (1,))),
    build=_unet,
)
YOLO = Network(name="yolo", inputs=(InputSpec("image", "float32", (1, 3, 32, 32)),), build=_yolo)
