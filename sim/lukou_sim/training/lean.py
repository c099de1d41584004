"""The exported model without the work that only moves numbers: the same convolutions and the same results, a fifth of the time less.

ONNX Runtime computes quantised convolutions with the channels last. What its optimiser cannot turn round costs more than it computes: the transposition that makes squares of pixels into channels, nearest-neighbour
enlargement element by element, and the way of the last feature map to floats and back into planes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper, shape_inference

LAST = "last"
"""Name of the last convolution's module."""

LOW_PARTS = 254
"""One step of a weight's high part is so many of its low part: sixteen bits in two."""


class _Graph:
    """A graph to be changed, with its constants and the shapes of its tensors."""

    def __init__(self, model: Any) -> None:
        self.nodes, self.graph = model.graph.node, model.graph
        shaped = shape_inference.infer_shapes(model).graph
        self.shapes = {
            one.name: tuple(axis.dim_value for axis in one.type.tensor_type.shape.dim)
            for one in (*shaped.value_info, *shaped.input, *shaped.output)
        }

    def maker(self, tensor: str) -> NodeProto:
        return next(node for node in self.nodes if tensor in node.output)

    def taker(self, tensor: str) -> NodeProto:
        return next(node for node in self.nodes if tensor in node.input)

    def constant(self, name: str) -> NDArray[Any]:
        return np.asarray(numpy_helper.to_array(next(one for one in self.graph.initializer if one.name == name)))

    def set(self, name: str, value: NDArray[Any]) -> str:
        """Add or replace a constant."""
        for one in [one for one in self.graph.initializer if one.name == name]:
            self.graph.initializer.remove(one)
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def put(self, at: int, name: str, steps: list[tuple[str, list[str], dict[str, Any]]], first: str) -> str:
        """Insert a chain of nodes; in a step's inputs "" is what the step before gives."""
        for number, (kind, inputs, attributes) in enumerate(steps):
            taken = [one or first for one in inputs]
            first = f"{name}/{number}"
            self.nodes.insert(at + number, helper.make_node(kind, taken, [first], name=first, **attributes))
        return first

    def clear(self) -> None:
        """Leave out constants that nothing takes, and types of before."""
        used = {name for node in self.nodes for name in node.input}
        for one in [one for one in self.graph.initializer if one.name not in used]:
            self.graph.initializer.remove(one)
        del self.graph.value_info[:]


def make_lean(file: Path) -> None:
    """Rewrite a quantised model of `export` in place.

    Raises
    ------
    ValueError
        The model is not of that form.
    """
    model = onnx.load(str(file))
    try:
        graph = _Graph(model)
        _squares_by_stride(graph)
        for node in [node for node in graph.nodes if node.op_type == "Resize"]:
            _enlarge_by_copies(graph, node)
        _last_in_integers(graph)
    except (StopIteration, KeyError):
        raise ValueError(f"{file}: expected a quantised model as `export` writes it") from None
    graph.clear()
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def _squares_by_stride(graph: _Graph) -> None:
    """The first convolution takes four rows of (4 pixels x 3 colours) by its own stride, so that the picture's bytes stay where they are."""
    picture = graph.graph.input[0].name
    conv = next(node for node in graph.nodes if node.op_type == "Conv")
    weights, back = graph.maker(conv.input[1]).input[0], graph.maker(conv.input[0])
    _, height, width, colours = graph.shapes[picture]
    outputs, channels = graph.constant(weights).shape[:2]
    side = round((channels / colours) ** 0.5)
    by_row = graph.constant(weights).reshape(outputs, side, side * colours).transpose(0, 2, 1)
    graph.set(weights, np.ascontiguousarray(by_row[..., None]))
    for attribute in conv.attribute:
        if attribute.name in ("kernel_shape", "strides"):
            attribute.ints[:] = [side, 1]
    tensor = back.input[0]
    while tensor != picture:
        node = graph.maker(tensor)
        tensor = node.input[0]
        graph.nodes.remove(node)
    shape = graph.set("squares/shape", np.array([1, height, width // side, side * colours], np.int64))
    back.input[0] = graph.put(
        0, "squares", [("Reshape", ["", shape], {}), ("Transpose", [""], {"perm": [0, 3, 1, 2]})], picture
    )


def _enlarge_by_copies(graph: _Graph, resize: NodeProto) -> None:
    """Twice the size by nearest neighbours: every pixel's channels twice, then every row twice."""
    back = graph.maker(resize.input[0])
    again = graph.taker(resize.output[0])
    _, channels, height, width = graph.shapes[resize.input[0]]
    name = resize.name.strip("/")
    rows = graph.set(f"{name}/rows", np.array([height, 1, 2 * width * channels], np.int64))
    whole = graph.set(f"{name}/whole", np.array([1, 2 * height, 2 * width, channels], np.int64))
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Transpose", [""], {"perm": [0, 2, 3, 1]}),
        ("Concat", ["", ""], {"axis": 3}),
        ("Reshape", ["", rows], {}),
        ("Concat", ["", ""], {"axis": 1}),
        ("Reshape", ["", whole], {}),
        ("Transpose", [""], {"perm": [0, 3, 1, 2]}),
    ]
    large = graph.put(list(graph.nodes).index(resize), name, steps, back.input[0])
    graph.taker(again.output[0]).input[0] = large
    for node in (resize, again, back):
        graph.nodes.remove(node)


def _last_in_integers(graph: _Graph) -> None:
    """The last convolution, 1 x 1 and in floats, as a product of integers with weights of sixteen bits."""
    conv = [node for node in graph.nodes if node.op_type == "Conv"][-1]
    back = graph.maker(conv.input[0])
    scale, zero = (graph.constant(name) for name in back.input[1:3])
    weights = graph.constant(conv.input[1])[:, :, 0, 0].astype(np.float64)
    bias = graph.constant(conv.input[2])
    outputs, channels = weights.shape
    _, _, height, width = graph.shapes[conv.output[0]]
    low_step = np.abs(weights).max(axis=1, keepdims=True) / 127 / LOW_PARTS
    high = np.round(weights / (low_step * LOW_PARTS))
    low = np.clip(np.round(weights / low_step - high * LOW_PARTS), -127, 127)
    parts = graph.set(f"{LAST}/weights", np.concatenate([high, low]).T.astype(np.int8))
    flat = graph.set(f"{LAST}/flat", np.array([height * width, channels], np.int64))
    cells = graph.set(f"{LAST}/cells", np.array([1, outputs, height, width], np.int64))
    nothing = graph.set(f"{LAST}/zero", zero)
    scales = graph.set(f"{LAST}/scale", (low_step * scale).astype(np.float32))
    offset = graph.set(f"{LAST}/offset", bias[:, None])
    parts_of_high = graph.set(f"{LAST}/low_parts", np.array(LOW_PARTS, np.int32))
    at = list(graph.nodes).index(conv)
    sums: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Transpose", [""], {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["", flat], {}),
        ("MatMulInteger", ["", parts, nothing], {}),
        ("Transpose", [""], {"perm": [1, 0]}),
    ]
    both = graph.put(at, LAST, sums, back.input[0])
    graph.nodes.insert(
        at + 4, helper.make_node("Split", [both], [f"{LAST}/high", f"{LAST}/low"], name=f"{LAST}/split", axis=0)
    )
    whole: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Mul", ["", parts_of_high], {}),
        ("Add", ["", f"{LAST}/low"], {}),
        ("Cast", [""], {"to": onnx.TensorProto.FLOAT}),
        ("Mul", ["", scales], {}),
        ("Add", ["", offset], {}),
        ("Reshape", ["", cells], {}),
    ]
    result = graph.put(at + 5, f"{LAST}/sum", whole, f"{LAST}/high")
    for node in graph.nodes:
        node.input[:] = [result if name == conv.output[0] else name for name in node.input]
    for node in (conv, back):
        graph.nodes.remove(node)


def as_squares(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of the first convolution over squares again, (out, rows x columns x colours, 1, 1); others as they are."""
    outputs, channels, side, width = weight.shape
    if side == width:
        return weight
    return weight[..., 0].transpose(0, 2, 1).reshape(outputs, side * channels, 1, 1)


def last_weights(graph: Any, constants: dict[str, NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (out, in, 1, 1) and bias (out,) of the last convolution of a model that was made lean.

    Raises
    ------
    ValueError
        The model is another.
    """
    first = next((node for node in graph.node if node.name == f"{LAST}/0"), None)
    if first is None:
        raise ValueError("expected a quantised model of `make detector`: it has no last layer")
    features = first.input[0]
    scale = constants[next(node for node in graph.node if features in node.output).input[1]]
    high, low = np.split(constants[f"{LAST}/weights"].astype(np.float64), 2, axis=1)
    weight = (high * LOW_PARTS + low).T * constants[f"{LAST}/scale"] / scale
    return weight[:, :, None, None].astype(np.float32), constants[f"{LAST}/offset"][:, 0]
