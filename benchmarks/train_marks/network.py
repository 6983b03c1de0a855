"""The marks network: a small U-Net that names the markers of a plot and the ends of their error bars."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (24, 32, 48, 64, 64)  # channels at strides 2, 4, 8, 16, 32
HEAD = 32
HEATS = slice(0, 3)  # markers, upper ends, lower ends: logits
NUDGES = slice(3, 5)  # of the two kinds of ends, along y, in cells
OFFSET = slice(5, 7)  # of the anchor from the middle of its cell, x and y, in cells
SIZE, TALL = 7, 8
BARS = slice(9, 15)  # exists, is seen (logits), log(distance + NEAR), for the upper and then the lower end
STYLE = slice(15, 28)
OUTPUTS = 28
NEAR = 6.0  # px


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class MarksNet(nn.Module):
    """(n, 3, h, w) in 0..255 with h and w multiples of 32 -> (n, OUTPUTS, h / 2, w / 2)."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.start = nn.Sequential(nn.PixelUnshuffle(2), _conv(12, a), _conv(a, a))
        self.down = nn.ModuleList([nn.Sequential(_conv(i, o, 2), _conv(o, o)) for i, o in ((a, b), (b, c), (c, d), (d, e))])
        self.across = nn.ModuleList([nn.Conv2d(i, o, 1) for i, o in ((e, d), (d, c), (c, b), (b, a))])
        self.up = nn.ModuleList([_conv(i, o) for i, o in ((d, d // 2 + 16), (c, c), (b, b), (a, HEAD))])
        self.narrow = nn.Conv2d(d // 2 + 16, d, 1)
        self.head = nn.Sequential(_conv(HEAD, HEAD), nn.Conv2d(HEAD, OUTPUTS, 1))
        with torch.no_grad():
            self.head[1].bias[HEATS] = -4.0

    def forward(self, image: Tensor) -> Tensor:
        """Maps of the heads at half the size."""
        x = self.start(image / 127.5 - 1)
        levels = [x]
        for down in self.down:
            x = down(x)
            levels.append(x)
        skips = levels[-2::-1]
        for k, (across, up) in enumerate(zip(self.across, self.up, strict=True)):
            x = functional.interpolate(across(x), scale_factor=2.0, mode="nearest") + skips[k]
            x = up(x)
            if k == 0:
                x = self.narrow(x)
        return self.head(x)
