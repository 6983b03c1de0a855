"""The marks network: a small U-Net that shows where markers and the ends of error bars are, and a head that says what each marker is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (24, 40, 80, 112, 112)  # channels at strides 2, 4, 8, 16, 32
NEAR_CHANNELS, FAR_CHANNELS = 32, 48  # of the features at strides 2 and 8 that the head looks at
HIDDEN = 96
MAPS = 5  # markers, upper ends, lower ends (logits); place of upper and of lower ends along y within their cell, in cells
OFFSET = slice(0, 2)  # of the anchor from the middle of its cell, x and y, in cells
SIZE, TALL = 2, 3
BARS = slice(4, 10)  # exists, is seen (logits), log(distance + NEAR), for the upper and then the lower end
STYLE = slice(10, 23)
ANSWERS = 23
NEAR = 6.0  # px
HEAD_INPUTS = 25 * NEAR_CHANNELS + 9 * FAR_CHANNELS + 2


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class MarksNet(nn.Module):
    """The U-Net, maps of where things are, and the head."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.start = nn.Sequential(nn.PixelUnshuffle(2), _conv(12, a), _conv(a, a))
        self.down = nn.ModuleList([nn.Sequential(_conv(i, o, 2), _conv(o, o)) for i, o in ((a, b), (b, c), (c, d), (d, e))])
        self.across = nn.ModuleList([nn.Conv2d(i, o, 1) for i, o in ((e, d), (c, c), (FAR_CHANNELS, b), (b, a))])
        self.up = nn.ModuleList([_conv(i, o) for i, o in ((d, c), (c, FAR_CHANNELS), (b, b), (a, NEAR_CHANNELS))])
        self.where = nn.Sequential(_conv(NEAR_CHANNELS, 24), nn.Conv2d(24, MAPS, 1))
        layers = [nn.Linear(HEAD_INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, ANSWERS)]
        self.head = nn.Sequential(*layers)
        with torch.no_grad():
            self.where[1].bias[:3] = -4.0

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps and near features at half the size, far features at an eighth, of images (n, 3, h, w) in 0..255, h and w multiples of 32."""
        x = self.start(image / 127.5 - 1)
        levels = [x]
        for down in self.down:
            x = down(x)
            levels.append(x)
        far = x
        for k, (across, up) in enumerate(zip(self.across, self.up, strict=True)):
            x = up(functional.interpolate(across(x), scale_factor=2.0, mode="nearest") + levels[3 - k])
            if k == 1:
                far = x
        return self.where(x), x, far


def surroundings(near: Tensor, far: Tensor, cells: Tensor) -> Tensor:
    """What the head looks at around cells (m, 3: image, row, column at half the size), (m, HEAD_INPUTS)."""
    n, row, col = cells.unbind(1)
    tall = torch.stack([row % 4, col % 4], dim=1).float() / 4 - 0.375
    return torch.cat([_patches(near, n, row, col, 2), _patches(far, n, row // 4, col // 4, 1), tall.to(near.dtype)], dim=1)


def _patches(features: Tensor, n: Tensor, row: Tensor, col: Tensor, reach: int) -> Tensor:
    """Features of the cells within reach, (m, channels * cells), channel by channel."""
    padded = functional.pad(features, (reach, reach, reach, reach))
    steps = torch.arange(2 * reach + 1)
    rows, cols = row[:, None, None] + steps[:, None], col[:, None, None] + steps[None, :]
    return padded.permute(0, 2, 3, 1)[n[:, None, None], rows, cols].permute(0, 3, 1, 2).flatten(1)
