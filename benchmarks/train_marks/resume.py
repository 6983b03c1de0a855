"""A state.pt to train on from, made of the shipped weights: `python resume.py shipped.pt`, then `train.py --start shipped.pt`.

The ONNX files hold each convolution with its normalisation folded in. Here the statistics of every convolution's output on drawn windows
become the normalisation's, and its scale and shift undo them, so that the network answers as before, in training as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from draw import draw_window
from network import MarksNet
from onnx import numpy_helper
from torch import Tensor, nn

MODELS = Path(__file__).resolve().parents[2] / "digitize" / "models"
WINDOWS, SIDE = 64, 288
LEAST_VARIANCE = 1e-4
Folded = tuple[nn.Conv2d, nn.BatchNorm2d | None]


def resumed() -> MarksNet:
    """The network with the weights that are shipped."""
    net = MarksNet()
    convolutions = list(_convolutions(net))
    with torch.no_grad():
        stored = _weights(MODELS / "marks.onnx")
        for conv, norm in convolutions:
            conv.weight.copy_(next(stored))
            shift = next(stored)
            if norm is None:
                conv.bias.copy_(shift)  # type: ignore[union-attr]
                continue
            norm.running_mean.zero_()  # type: ignore[union-attr]
            norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
            norm.weight.fill_(1)
            norm.bias.copy_(shift)
        stored = _weights(MODELS / "marks_head.onnx")
        for layer in net.head:
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(next(stored))
                layer.bias.copy_(next(stored))
        _with_statistics(net, convolutions)
    return net


def _convolutions(net: MarksNet) -> Iterator[Folded]:
    """The convolutions with their normalisations, in the order in which `export.py` stores them."""

    def of(block: nn.Module) -> Iterator[Folded]:
        parts = list(block.children())
        if isinstance(parts[0], nn.Sequential):
            for part in parts:
                yield from of(part)
        else:
            yield parts[0], parts[1]  # type: ignore[misc]

    for block in (net.start[1], net.start[2], *net.down):
        yield from of(block)
    for across, up in zip(net.across, net.up, strict=True):
        yield across, None  # type: ignore[misc]
        yield from of(up)
    yield from of(net.where[0])
    yield net.where[1], None  # type: ignore[misc]


def _weights(path: Path) -> Iterator[Tensor]:
    for stored in onnx.load(str(path)).graph.initializer:
        values = numpy_helper.to_array(stored)
        if values.dtype == np.float16:
            yield torch.from_numpy(values.astype(np.float32))


def _with_statistics(net: MarksNet, convolutions: list[Folded]) -> None:
    found: dict[int, tuple[Tensor, Tensor]] = {}

    def noted(number: int) -> Callable[[nn.Module, object, Tensor], None]:
        def note(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            found[number] = output.mean((0, 2, 3)), output.var((0, 2, 3), unbiased=False)

        return note

    hooks = [conv.register_forward_hook(noted(k)) for k, (conv, norm) in enumerate(convolutions) if norm is not None]
    net.eval()
    net(torch.stack([torch.from_numpy(draw_window([977, k], SIDE).image) for k in range(WINDOWS)]).permute(0, 3, 1, 2).float())
    for hook in hooks:
        hook.remove()
    for k, (mean, variance) in found.items():
        norm = convolutions[k][1]
        assert norm is not None
        variance = variance.clamp(min=LEAST_VARIANCE)
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("state", type=Path)
    torch.save({"mean": resumed().state_dict()}, parser.parse_args().state)
