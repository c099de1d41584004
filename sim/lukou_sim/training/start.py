"""Weights of an exported detector back in a network that can be trained on: the quantised model is the only thing that is kept.

The export folds every normalisation into its convolution. Here each gets the scatter that pictures really give it, and the factor
and offset that undo it, so that the network gives what the model gives, in training and in evaluation alike.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from lukou_sim.training.lean import LAST, as_squares, last_weights
from lukou_sim.training.network import Detector
from lukou_sim.training.recipe import MEAN, SCALE

PICTURES = 48
"""Pictures from which the scatter of every channel is taken."""


def folded_weights(file: Path) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weight (out, in, h, w) and bias (out,) of every convolution of a quantised model, by the name of its module."""
    graph = onnx.load(str(file)).graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}

    def value(name: str) -> NDArray[np.float32]:
        if name in constants:
            return np.asarray(constants[name], np.float32)
        node = maker.get(name)
        if node is None or node.op_type != "DequantizeLinear":
            raise ValueError(f"{file}: expected a quantised model of `make detector`; {name} is no constant")
        numbers, scale = constants[node.input[0]].astype(np.float32), constants[node.input[1]]
        zero = constants[node.input[2]].astype(np.float32) if len(node.input) > 2 else np.zeros_like(scale)
        shape = (-1,) + (1,) * (numbers.ndim - 1) if np.ndim(scale) else ()
        return np.asarray((numbers - zero.reshape(shape)) * scale.reshape(shape), np.float32)

    folded = {
        _module(node.name): (value(node.input[1]), value(node.input[2]))
        for node in graph.node
        if node.op_type == "Conv"
    }
    whole = {name: (as_squares(weight), bias) for name, (weight, bias) in folded.items()}
    return whole if LAST in whole else whole | {LAST: last_weights(graph, constants)}


def _module(node: str) -> str:
    """Name of a module from the path that the exporter writes: /level8/level8.1/first/first.0/Conv."""
    parts: list[str] = []
    for part in node.strip("/").split("/")[:-1]:
        if parts and part.startswith(parts[-1] + "."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)


def continue_from(model: Detector, file: Path, pictures: NDArray[np.uint8]) -> None:
    """Give a network the weights of an exported model.

    Parameters
    ----------
    model : Detector
        New; changed in place.
    file : Path
        Quantised model of the same network.
    pictures : (n, h, w, 3) uint8 array
        Of the training set.

    Raises
    ------
    ValueError
        The model is of another network.
    """
    model.eval()
    modules = dict(model.named_modules())
    convolutions = {name: module for name, module in modules.items() if isinstance(module, nn.Conv2d)}
    folded = folded_weights(file)
    if {name: tuple(w.shape) for name, (w, _) in folded.items()} != {
        name: tuple(conv.weight.shape) for name, conv in convolutions.items()
    }:
        raise ValueError(f"{file}: is a model of another network; train anew, without --start")
    normals = {name: _normal(name, modules) for name in convolutions}
    for name, (weight, bias) in folded.items():
        conv, normal = convolutions[name], normals[name]
        conv.weight.data = torch.from_numpy(weight.copy())
        if normal is None:
            conv.bias.data = torch.from_numpy(bias.copy())
            continue
        normal.weight.data.fill_(1.0)
        normal.bias.data = torch.from_numpy(bias.copy())
        normal.running_mean.zero_()
        normal.running_var.fill_(1.0 - normal.eps)
    batch = (torch.from_numpy(np.array(pictures[:PICTURES])).float() - MEAN) * SCALE
    for name, (mean, variance) in _scatter(model, convolutions, batch).items():
        normal = normals[name]
        if normal is not None:
            normal.running_mean.copy_(mean)
            normal.running_var.copy_(variance)
            normal.weight.data = torch.sqrt(variance + normal.eps)
            normal.bias.data += mean


def _normal(name: str, modules: dict[str, nn.Module]) -> nn.BatchNorm2d | None:
    """The normalisation that follows a convolution in its sequence."""
    parent, _, index = name.rpartition(".")
    following = modules.get(f"{parent}.{int(index) + 1}") if index.isdigit() else None
    return following if isinstance(following, nn.BatchNorm2d) else None


def _scatter(
    model: Detector, convolutions: dict[str, nn.Conv2d], batch: torch.Tensor
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Mean and variance of every channel of what convolutions give for some pictures."""
    sums = {
        name: [torch.zeros(conv.out_channels), torch.zeros(conv.out_channels)] for name, conv in convolutions.items()
    }
    counts = dict.fromkeys(convolutions, 0)

    def counting(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def count(_: nn.Module, __: Any, output: torch.Tensor) -> None:
            sums[name][0] += output.sum(dim=(0, 2, 3))
            sums[name][1] += (output**2).sum(dim=(0, 2, 3))
            counts[name] += output.numel() // output.shape[1]

        return count

    hooks = [conv.register_forward_hook(counting(name)) for name, conv in convolutions.items()]
    with torch.no_grad():
        for k in range(0, len(batch), 8):
            model.raw(batch[k : k + 8])
    for hook in hooks:
        hook.remove()
    found = {}
    for name, (total, squares) in sums.items():
        mean = total / counts[name]
        found[name] = mean, (squares / counts[name] - mean**2).clamp(min=1e-6)
    return found
