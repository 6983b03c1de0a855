"""The trained network as an ONNX file: batch normalisation folded into the convolutions, weights stored as float16 and used as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from network import ANSWERS, FAR_CHANNELS, HEAD_INPUTS, MAPS, NEAR_CHANNELS, MarksNet
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

Weights = NDArray[np.float32]


class _Graph:
    """Nodes and stored weights, one after another."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: Weights) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float16), name))
        return self.add("Cast", [name], to=TensorProto.FLOAT)

    def conv(self, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> str:
        weight = conv.weight.detach().double().numpy()
        bias = conv.bias.detach().double().numpy() if conv.bias is not None else np.zeros(len(weight))
        if norm is not None:
            scale = (norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()).numpy()
            bias = norm.bias.detach().double().numpy() + (bias - norm.running_mean.double().numpy()) * scale
            weight = weight * scale[:, None, None, None]
        pad = conv.padding[0]
        inputs = [x, self.constant(weight.astype(np.float32)), self.constant(bias.astype(np.float32))]
        x = self.add("Conv", inputs, kernel_shape=list(conv.kernel_size), pads=[pad] * 4, strides=list(conv.stride))
        return self.add("Relu", [x]) if norm is not None else x

    def block(self, x: str, block: nn.Sequential) -> str:
        parts = list(block)
        if isinstance(parts[0], nn.Sequential):
            for part in parts:
                x = self.block(x, part)  # type: ignore[arg-type]
            return x
        return self.conv(x, parts[0], parts[1])  # type: ignore[arg-type]


def write_onnx(net: MarksNet, folder: Path) -> None:
    """Write marks.onnx and marks_head.onnx.

    marks.onnx: input `image` (1, 3, h, w) float32 in 0..255; outputs `maps`, `near` (h / 2, w / 2) and `far` (h / 8, w / 8).
    marks_head.onnx: input `surroundings` (m, HEAD_INPUTS), output `answers` (m, ANSWERS).
    """
    graph = _Graph()
    x = _unshuffled(graph, graph.add("Sub", [graph.add("Mul", ["image", _scalar(graph, 1 / 127.5)]), _scalar(graph, 1.0)]))
    x = graph.block(graph.block(x, net.start[1]), net.start[2])
    levels = [x]
    for down in net.down:
        x = graph.block(x, down)
        levels.append(x)
    far = x
    for k, (across, up) in enumerate(zip(net.across, net.up, strict=True)):
        inputs = [graph.conv(x, across, None), "", _scales(graph)]
        wide = graph.add("Resize", inputs, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        x = graph.block(graph.add("Add", [wide, levels[3 - k]]), up)
        if k == 1:
            far = x
    maps = graph.conv(graph.block(x, net.where[0]), net.where[1], None)
    for made, name in ((maps, "maps"), (x, "near"), (far, "far")):
        graph.nodes.append(helper.make_node("Identity", [made], [name]))
    shapes = {"maps": [1, MAPS, "h2", "w2"], "near": [1, NEAR_CHANNELS, "h2", "w2"], "far": [1, FAR_CHANNELS, "h8", "w8"]}
    _save(graph, {"image": [1, 3, "h", "w"]}, shapes, folder / "marks.onnx")
    head, x = _Graph(), "surroundings"
    for layer in net.head:
        if isinstance(layer, nn.Linear):
            x = head.add("Gemm", [x, head.constant(layer.weight.detach().numpy()), head.constant(layer.bias.detach().numpy())], transB=1)
        else:
            x = head.add("Relu", [x])
    head.nodes.append(helper.make_node("Identity", [x], ["answers"]))
    _save(head, {"surroundings": ["m", HEAD_INPUTS]}, {"answers": ["m", ANSWERS]}, folder / "marks_head.onnx")


def _save(graph: _Graph, inputs: dict[str, list[int | str]], outputs: dict[str, list[int | str]], path: Path) -> None:
    given, made = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in part.items()] for part in (inputs, outputs))
    whole = helper.make_graph(graph.nodes, path.stem, given, made, graph.weights)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _scalar(graph: _Graph, value: float) -> str:
    name = f"w{len(graph.weights)}"
    graph.weights.append(numpy_helper.from_array(np.array(value, dtype=np.float32), name))
    return name


def _scales(graph: _Graph) -> str:
    if all(w.name != "twice" for w in graph.weights):
        graph.weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32), "twice"))
    return "twice"


def _unshuffled(graph: _Graph, x: str) -> str:
    """Blocks of 2 x 2 px as channels, in the order of PixelUnshuffle: SpaceToDepth puts the colours last instead of first."""
    deep = graph.add("SpaceToDepth", [x], blocksize=2)
    order = np.array([4 * color + block for block in range(4) for color in range(3)])
    name = "order"
    graph.weights.append(numpy_helper.from_array(np.argsort(order).astype(np.int64), name))
    return graph.add("Gather", [deep, name], axis=1)
