"""From the trained network to a small ONNX file: opset 17, static INT8 with QDQ nodes, the last convolution left in float.

The quantised model takes the picture itself, (1, h, w, 3) bytes: with scale 1/64 and zero point 114 the bytes *are* the
quantised tensor, so nothing is converted before the first convolution.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from lukou_sim.training.dataset import HEIGHT, WIDTH
from lukou_sim.training.evaluate import normalised
from lukou_sim.training.lean import make_lean
from lukou_sim.training.network import Detector
from lukou_sim.training.recipe import MEAN, SCALE

CALIBRATION_PICTURES = 96


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self._left, None)
        return None if picture is None else {"picture": normalised(picture)}


def export(model: Detector, calibration: NDArray[np.uint8], folder: Path, name: str) -> Path:
    """Write `folder`/`name`.onnx, quantised, and `name`.float.onnx beside it.

    Parameters
    ----------
    model : Detector
        Trained, in evaluation mode.
    calibration : (n, h, w, 3) uint8 array
        Pictures of the training set.
    folder : Path
        Where to write.
    name : str
        Stem of the file.

    Returns
    -------
    Path
        The quantised model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole, prepared, small = folder / f"{name}.float.onnx", folder / f"{name}.prepared.onnx", folder / f"{name}.onnx"
    example = torch.zeros(1, HEIGHT, WIDTH, 3)
    torch.onnx.export(
        model.to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
        (example,),
        str(whole),
        opset_version=17,
        dynamo=False,
        input_names=["picture"],
        output_names=["cells"],
    )
    quant_pre_process(str(whole), str(prepared))
    quantize_static(
        str(prepared),
        str(small),
        _Calibration(calibration),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "Add", "Relu", "Resize"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=_last_nodes(prepared),
    )
    prepared.unlink()
    _take_bytes(small)
    make_lean(small)
    return small


def _take_bytes(file: Path) -> None:
    """Let the model take bytes: leave out the first quantisation, whose result the picture's own bytes are."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(file))
    graph = model.graph
    tensor = graph.input[0].name
    while True:
        node = next(node for node in graph.node if node.input[0] == tensor)
        if node.op_type == "QuantizeLinear":
            break
        tensor = node.output[0]
    back = next(other for other in graph.node if other.input[0] == node.output[0])
    graph.node.remove(node)
    back.input[0] = tensor
    values = {back.input[1]: np.array(SCALE, np.float32), back.input[2]: np.array(MEAN, np.uint8)}
    for constant in graph.initializer:
        if constant.name in values:
            constant.CopyFrom(numpy_helper.from_array(values[constant.name], constant.name))
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    del graph.value_info[:]  # they name types of before
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def _last_nodes(file: Path) -> list[str]:
    """Names of the last convolution and of all that follows it."""
    import onnx

    nodes = list(onnx.load(str(file)).graph.node)
    last = max(k for k, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for node in nodes[last:]]
