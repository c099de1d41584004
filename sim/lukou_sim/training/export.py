"""From the trained network to a small ONNX file: opset 17, static INT8 with QDQ nodes, the last convolution left in float."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from lukou_sim.training.dataset import HEIGHT, WIDTH
from lukou_sim.training.network import MEAN, SCALE, Detector

CALIBRATION_PICTURES = 96


def normalised(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, h, w) network input from an (h, w, 3) picture."""
    return np.ascontiguousarray(((picture.astype(np.float32) - MEAN) * SCALE).transpose(2, 0, 1)[None])


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
    example = torch.zeros(1, 3, HEIGHT, WIDTH)
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
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=_last_nodes(prepared),
    )
    prepared.unlink()
    return small


def _last_nodes(file: Path) -> list[str]:
    """Names of the last convolution and of all that follows it."""
    import onnx

    nodes = list(onnx.load(str(file)).graph.node)
    last = max(k for k, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for node in nodes[last:]]


def session(file: Path) -> onnxruntime.InferenceSession:
    """A session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
