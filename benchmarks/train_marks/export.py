"""The trained network as an ONNX file: batch normalisation folded into the convolutions, weights stored as float16 and used as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from network import MarksNet
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


def write_onnx(net: MarksNet, path: Path) -> None:
    """Write the network for inference: input `image` (1, 3, h, w) float32 in 0..255, output `maps` (1, OUTPUTS, h / 2, w / 2)."""
    graph = _Graph()
    with torch.no_grad():
        x = _unshuffled(graph, graph.add("Sub", [graph.add("Mul", ["image", _scalar(graph, 1 / 127.5)]), _scalar(graph, 1.0)]))
        x = graph.block(graph.block(x, net.start[1]), net.start[2])
        levels = [x]
        for down in net.down:
            x = graph.block(x, down)
            levels.append(x)
        for k, (skip, across, up) in enumerate(zip(levels[-2::-1], net.across, net.up, strict=True)):
            wide = graph.add("Resize", [graph.conv(x, across, None), "", _scales(graph)], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
            x = graph.block(graph.add("Add", [wide, skip]), up)
            if k == 0:
                x = graph.conv(x, net.narrow, None)
        x = graph.conv(graph.block(x, net.head[0]), net.head[1], None)
    graph.nodes.append(helper.make_node("Identity", [x], ["maps"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])
    maps = helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, net.head[1].out_channels, "h2", "w2"])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "marks", [image], [maps], graph.weights), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
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
