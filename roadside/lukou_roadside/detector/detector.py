"""Run a model over pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_roadside.detector.adapters import ADAPTERS, OutputError
from lukou_roadside.detector.card import Card, CardError
from lukou_roadside.detector.detections import PictureDetections, RawBoxes, merged_riders, suppress

_TENSORS = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}
_PERSON = (ObjectClass.OBJECT_CLASS_PEDESTRIAN,)
_TWO_WHEELER = (ObjectClass.OBJECT_CLASS_BICYCLE, ObjectClass.OBJECT_CLASS_MOTORCYCLE)
_CUT_PX = 2.0
"""A box this near to the inner edge of a tile is cut off by it; the whole picture or another tile has it whole. [px]"""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture was brought to the model's size: model pixel = picture pixel x factor + offset."""

    factor_x: float
    factor_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0


class Detector:
    """A detector, on one thread of the CPU unless its card says otherwise.

    Parameters
    ----------
    card : Card
        The model and how to use it.

    Raises
    ------
    CardError
        The model cannot be loaded, or its input or outputs are others than the card says.
    """

    def __init__(self, card: Card) -> None:
        self.card = card
        options = onnxruntime.SessionOptions()
        # Other processes share the cores: no second thread unless the card wants it, and no spinning while waiting.
        options.intra_op_num_threads, options.inter_op_num_threads = card.threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        offered = onnxruntime.get_available_providers()
        if card.provider not in offered:
            raise CardError([f"provider: this ONNX Runtime has no {card.provider}; it has {', '.join(offered)}"])
        try:
            self._session = onnxruntime.InferenceSession(str(card.model), options, providers=[card.provider])
        except Exception as error:
            raise CardError([f"{card.model.name}: ONNX Runtime cannot load it: {str(error)[:200]}"]) from None
        self._input, self._constants = self._inputs()
        given = [one.name for one in self._session.get_outputs()]
        unknown = [name for name in card.outputs if name not in given]
        if unknown:
            raise CardError([f"{card.model.name}: outputs: no {', '.join(unknown)}; the model has {', '.join(given)}"])
        self._outputs = list(card.outputs) or given
        self._classes = np.zeros(max(card.labels) + 1, np.int64)
        for index, label in card.labels.items():
            self._classes[index] = label.number
        self._persons = [k for k, label in card.labels.items() if label.number in _PERSON]
        self._two_wheelers = [k for k, label in card.labels.items() if label.number in _TWO_WHEELER]
        self.detect(np.full((card.height_px, card.width_px, 3), card.pad_value, np.uint8))  # a wrong card shows now

    def _inputs(self) -> tuple[str, dict[str, NDArray[Any]]]:
        """Name of the picture's input, and the other inputs with their values."""
        card = self.card
        size = [card.height_px, card.width_px]
        wanted = [1, 3, *size] if card.layout == "nchw" else [1, *size, 3]
        picture, others = "", {}
        for given in self._session.get_inputs():
            shape = given.shape
            if len(shape) == 4 and not picture:
                if given.type != _TENSORS[card.dtype]:
                    raise CardError(
                        [f"{card.model.name}: input: expected {card.dtype} as the card says, found {given.type}"]
                    )
                known = [(s, w) for s, w in zip(shape, wanted, strict=True) if isinstance(s, int)]
                if any(s != w for s, w in known):
                    raise CardError([f"{card.model.name}: input: expected {wanted} as the card says, found {shape}"])
                picture = given.name
            elif (len(shape) == 2 and shape[-1] in (2, None)) or isinstance(shape[-1], str):
                order = size if card.target_size_order == "hw" else size[::-1]
                others[given.name] = np.array([order], np.int64 if "int64" in given.type else np.float32)
            else:
                raise CardError(
                    [f"{card.model.name}: input {given.name} {shape}: only a picture and its size are known"]
                )
        if not picture:
            raise CardError([f"{card.model.name}: input: expected {wanted} as the card says, found none of four axes"])
        return picture, others

    def detect(self, picture: NDArray[np.uint8]) -> PictureDetections:
        """Road users in a picture.

        Parameters
        ----------
        picture : (h, w, 3) uint8 array
            Blue, green, red; any size.

        Raises
        ------
        ValueError
            The array is no such picture, or the model's outputs have another form than its card says.
        """
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
            raise ValueError(f"picture: expected (h, w, 3) uint8, found {picture.shape} {picture.dtype}")
        card = self.card
        raw = self._candidates(picture)
        for tile in card.tiles:
            raw = _joined(raw, self._in_tile(picture, tile))
        kept = suppress(raw, card.suppression_overlap, card.suppression_overlap_any, card.most)
        found = RawBoxes(raw.label[kept], raw.score[kept], raw.boxes[kept], raw.ground[kept])
        if card.merge_riders:
            found = merged_riders(found, self._persons, self._two_wheelers)
        height, width = picture.shape[:2]
        boxes = np.clip(found.boxes, 0, np.array([width, height] * 2, np.float32))
        return PictureDetections(
            self._classes[found.label], found.label, found.score, *boxes.T.copy(), *found.ground.T.copy()
        )

    def _candidates(self, picture: NDArray[np.uint8]) -> RawBoxes:
        """Boxes before suppression, in pixels of the given picture."""
        tensor, fit = self._tensor(picture)
        outputs = self._session.run(self._outputs, {self._input: tensor, **self._constants})
        try:
            raw = ADAPTERS[self.card.kind](outputs, self.card)
        except OutputError as error:
            raise CardError([f"{self.card.model.name}: {error}"]) from None
        factor = np.array([fit.factor_x, fit.factor_y] * 2, np.float32)
        offset = np.array([fit.offset_x, fit.offset_y] * 2, np.float32)
        return RawBoxes(raw.label, raw.score, (raw.boxes - offset) / factor, (raw.ground - offset[:2]) / factor[:2])

    def _in_tile(self, picture: NDArray[np.uint8], tile: tuple[float, float, float, float]) -> RawBoxes:
        """Boxes found in a part of the picture, without those that its inner edges cut."""
        height, width = picture.shape[:2]
        left, top, right, bottom = (round(share * size) for share, size in zip(tile, (width, height) * 2, strict=True))
        if right - left < 2 or bottom - top < 2:
            return RawBoxes(np.zeros(0, np.int64), *(np.zeros(s, np.float32) for s in ((0,), (0, 4), (0, 2))))  # type: ignore[arg-type]
        raw = self._candidates(np.ascontiguousarray(picture[top:bottom, left:right]))
        low = np.array([left > 0, top > 0]) & (raw.boxes[:, :2] < _CUT_PX)
        size = np.array([right - left, bottom - top], np.float32)
        high = np.array([right < width, bottom < height]) & (raw.boxes[:, 2:] > size - _CUT_PX)
        whole = ~(low | high).any(axis=1)
        corner = np.array([left, top], np.float32)
        return RawBoxes(
            raw.label[whole], raw.score[whole], raw.boxes[whole] + np.tile(corner, 2), raw.ground[whole] + corner
        )

    def _tensor(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.generic], Fit]:
        card = self.card
        fitted, fit = self._fitted(picture)
        if card.dtype == "uint8":
            colours = fitted if card.colour_order == "bgr" else fitted[:, :, ::-1]
            planes = colours if card.layout == "nhwc" else colours.transpose(2, 0, 1)
            return np.ascontiguousarray(planes)[None], fit
        if isinstance(card.scale, tuple):
            scaled = (fitted.astype(np.float32) - np.array(card.mean, np.float32)) * np.array(card.scale, np.float32)
            ordered = scaled if card.colour_order == "bgr" else scaled[:, :, ::-1]
            return np.ascontiguousarray(ordered if card.layout == "nhwc" else ordered.transpose(2, 0, 1))[None], fit
        mean = card.mean if card.colour_order == "bgr" else card.mean[::-1]
        blob = cv2.dnn.blobFromImage(fitted, card.scale, mean=mean, swapRB=card.colour_order == "rgb")
        tensor = np.asarray(blob, dtype=np.float32)
        return (tensor if card.layout == "nchw" else np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))), fit

    def _fitted(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Fit]:
        """The picture at the model's size."""
        card = self.card
        height, width = picture.shape[:2]
        if (width, height) == (card.width_px, card.height_px):
            return picture, Fit(1.0, 1.0)
        if card.letterbox == "stretch":
            fit = Fit(card.width_px / width, card.height_px / height)
            return _resize(picture, card.width_px, card.height_px), fit
        factor = min(card.width_px / width, card.height_px / height)
        small = _resize(picture, max(1, round(width * factor)), max(1, round(height * factor)))
        rows, columns = small.shape[:2]
        centred = card.letterbox == "centre"
        left, top = ((card.width_px - columns) // 2, (card.height_px - rows) // 2) if centred else (0, 0)
        fitted = np.full((card.height_px, card.width_px, 3), card.pad_value, np.uint8)
        fitted[top : top + rows, left : left + columns] = small
        return fitted, Fit(columns / width, rows / height, left, top)


def _joined(first: RawBoxes, second: RawBoxes) -> RawBoxes:
    return RawBoxes(
        np.concatenate([first.label, second.label]),
        np.concatenate([first.score, second.score]),
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.ground, second.ground]),
    )


def _resize(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    shrinks = width < picture.shape[1]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
