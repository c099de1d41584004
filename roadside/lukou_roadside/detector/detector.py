"""Run a model over pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lukou_roadside.detector.adapters import ADAPTERS
from lukou_roadside.detector.card import Card, CardError
from lukou_roadside.detector.detections import PictureDetections, suppress

_TENSORS = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture was brought to the model's size: model pixel = picture pixel x factor."""

    factor_x: float
    factor_y: float


class Detector:
    """A detector on one thread.

    Parameters
    ----------
    card : Card
        The model and how to use it.

    Raises
    ------
    CardError
        The model cannot be loaded, or its input has another shape than the card says.
    """

    def __init__(self, card: Card) -> None:
        self.card = card
        options = onnxruntime.SessionOptions()
        # Other processes share the cores: no second thread, and no spinning while waiting.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(card.model), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise CardError([f"{card.model.name}: ONNX Runtime cannot load it: {str(error)[:200]}"]) from None
        given = self._session.get_inputs()[0]
        self._input, shape = given.name, given.shape
        size = [card.height_px, card.width_px]
        wanted = [1, 3, *size] if card.layout == "nchw" else [1, *size, 3]
        if given.type != _TENSORS[card.dtype]:
            raise CardError([f"{card.model.name}: input: expected {card.dtype} as the card says, found {given.type}"])
        if len(shape) != 4 or [s for s in shape if isinstance(s, int)] != [
            w for s, w in zip(shape, wanted, strict=True) if isinstance(s, int)
        ]:
            raise CardError([f"{card.model.name}: input: expected {wanted} as the card says, found {shape}"])
        self._classes = np.zeros(max(card.labels) + 1, np.int64)
        for index, label in card.labels.items():
            self._classes[index] = label.number

    def detect(self, picture: NDArray[np.uint8]) -> PictureDetections:
        """Road users in a picture.

        Parameters
        ----------
        picture : (h, w, 3) uint8 array
            Blue, green, red; any size.

        Raises
        ------
        ValueError
            The array is no such picture.
        """
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
            raise ValueError(f"picture: expected (h, w, 3) uint8, found {picture.shape} {picture.dtype}")
        tensor, fit = self._tensor(picture)
        output = self._session.run(None, {self._input: tensor})[0]
        raw = ADAPTERS[self.card.kind](output, self.card)
        card = self.card
        kept = suppress(raw, card.suppression_overlap, card.suppression_overlap_any, card.most)
        factor = np.array([fit.factor_x, fit.factor_y] * 2, np.float32)
        height, width = picture.shape[:2]
        boxes = np.clip(raw.boxes[kept] / factor, 0, np.array([width, height] * 2, np.float32))
        ground = raw.ground[kept] / factor[:2]
        label = raw.label[kept]
        return PictureDetections(self._classes[label], label, raw.score[kept], *boxes.T.copy(), *ground.T.copy())

    def _tensor(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.generic], Fit]:
        card = self.card
        height, width = picture.shape[:2]
        if (width, height) == (card.width_px, card.height_px):
            fitted, fit = picture, Fit(1.0, 1.0)
        elif card.letterbox == "stretch":
            fit = Fit(card.width_px / width, card.height_px / height)
            fitted = _resize(picture, card.width_px, card.height_px)
        else:
            factor = min(card.width_px / width, card.height_px / height)
            fit = Fit(factor, factor)
            small = _resize(picture, max(1, round(width * factor)), max(1, round(height * factor)))
            fitted = np.full((card.height_px, card.width_px, 3), card.pad_value, np.uint8)
            fitted[: small.shape[0], : small.shape[1]] = small
        if card.dtype == "uint8":
            colours = fitted if card.colour_order == "bgr" else fitted[:, :, ::-1]
            planes = colours if card.layout == "nhwc" else colours.transpose(2, 0, 1)
            return np.ascontiguousarray(planes)[None], fit
        mean = card.mean if card.colour_order == "bgr" else card.mean[::-1]
        blob = cv2.dnn.blobFromImage(fitted, card.scale, mean=mean, swapRB=card.colour_order == "rgb")
        tensor = np.asarray(blob, dtype=np.float32)
        return (tensor if card.layout == "nchw" else np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))), fit


def _resize(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    shrinks = width < picture.shape[1]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
