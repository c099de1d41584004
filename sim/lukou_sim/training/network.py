"""The detector's network: a small residual backbone, a top-down path to a quarter of the size, one head.

After "Objects as Points" (Zhou, Wang, Krähenbühl 2019): a heat map per class whose peaks are road users; at each peak the
distances to the box's four sides and the offset of the *ground point*, the projection of the footprint's centre.
"""

from __future__ import annotations

import torch
from torch import nn

from lukou_sim.training.recipe import CHANNELS, CLASS_COUNT, STRIDE


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _unit(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape as `x`."""
        return torch.relu(x + self.second(self.first(x)))


class Detector(nn.Module):  # type: ignore[misc]
    """From pictures (b, h, w, 3), blue green red as (value - MEAN) * SCALE, to (b, 10, h/4, w/4).

    The first layer sees squares of 4 x 4 pixels as 48 channels, so no convolution runs at a finer raster than the output's:
    with three channels and full size they took a fifth of the time of the whole network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_unit(STRIDE * STRIDE * 3, 32, 1), _unit(32, 32))
        self.level8 = nn.Sequential(_unit(32, 64, 3, 2), Residual(64))
        self.level16 = nn.Sequential(_unit(64, 96, 3, 2), Residual(96), Residual(96))
        self.level32 = nn.Sequential(_unit(96, 128, 3, 2), Residual(128))
        self.side32, self.side16 = _unit(128, 96, 1), _unit(96, 96, 1)
        self.merge16 = _unit(96, 64, 3)
        self.side8, self.merge8 = _unit(64, 64, 1), _unit(64, 32, 3)
        self.side4 = _unit(32, 32, 1)
        self.head = _unit(32, 48, 3)
        self.last = nn.Conv2d(48, CHANNELS, 1)
        nn.init.constant_(self.last.bias[:CLASS_COUNT], -4.0)
        nn.init.constant_(self.last.bias[CLASS_COUNT:], 1.0)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Heat as probabilities; sides before their softplus, which only peaks need; ground offsets."""
        raw = self.raw(pictures)
        return torch.cat([torch.sigmoid(raw[:, :CLASS_COUNT]), raw[:, CLASS_COUNT:]], dim=1)

    def raw(self, pictures: torch.Tensor) -> torch.Tensor:
        """As `forward`, heat as logits."""
        batch, height, width, _ = pictures.shape
        squares = pictures.reshape(batch, height // STRIDE, STRIDE, width // STRIDE, STRIDE * 3).permute(0, 1, 3, 2, 4)
        x4 = self.stem(
            squares.reshape(batch, height // STRIDE, width // STRIDE, STRIDE * STRIDE * 3).permute(0, 3, 1, 2)
        )
        x8 = self.level8(x4)
        x16 = self.level16(x8)
        x32 = self.level32(x16)
        up = nn.functional.interpolate
        y = self.merge16(self.side16(x16) + up(self.side32(x32), scale_factor=2.0, mode="nearest"))
        y = self.merge8(self.side8(x8) + up(y, scale_factor=2.0, mode="nearest"))
        return torch.as_tensor(self.last(self.head(self.side4(x4) + up(y, scale_factor=2.0, mode="nearest"))))
