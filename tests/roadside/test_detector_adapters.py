"""One golden tensor per kind of model: what was encoded by the published definition comes out as the same box."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lukou_roadside.detector import CardError
from lukou_roadside.detector import detector as detector_module
from lukou_roadside.detector.adapters import ADAPTERS, OutputError
from lukou_roadside.detector.card import Card
from lukou_roadside.detector.detections import RawBoxes, merged_riders

LABELS = {
    "0": {"name": "person", "object_class": "PEDESTRIAN"},
    "1": {"name": "bicycle", "object_class": "BICYCLE"},
    "2": {"name": "car", "object_class": "CAR"},
}
BOX = [40.0, 8.0, 56.0, 24.0]  # middle (48, 16), 16 x 16 px, in a picture of 64 x 32
STRIDES = (8, 16, 32)
CELLS = 8 * 4 + 4 * 2 + 2


def card(kind: str, **more: object) -> Card:
    content = {"name": "t", "kind": kind, "model": "m.onnx", "width_px": 64, "height_px": 32, "labels": LABELS}
    return Card.model_validate({**content, "strides_px": STRIDES if kind != "lukou_centre" else (4,), **more})


def distances(bins: int, cells: list[float]) -> np.ndarray:
    """Logits whose expectation over 0, 1, … is as given."""
    logits = np.full((4, bins), -30.0)
    for side, value in enumerate(cells):
        low = int(value)
        share = value - low
        logits[side, low] = np.log(1 - share + 1e-9)
        logits[side, min(low + 1, bins - 1)] = np.log(share + 1e-9)
    return logits.reshape(-1)


def golden(kind: str) -> tuple[list[np.ndarray], dict[str, object]]:
    """Outputs that say: a car with 0.8 at `BOX`."""
    centred = [48.0, 16.0, 16.0, 16.0]
    if kind == "yolov5":
        rows = np.zeros((1, 30, 8), np.float32)
        rows[0, 7] = (*centred, 1.0, 0.1, 0.2, 0.8)
        return [rows], {}
    if kind == "yolov8":
        rows = np.zeros((1, 7, 30), np.float32)
        rows[0, :, 7] = (*centred, 0.1, 0.2, 0.8)
        return [rows], {}
    if kind == "gfl":  # second level, row 0, column 2: middle (40, 8); left 0, top 0, right 1, bottom 1 cells of 16 px
        scores, sides = np.zeros((1, CELLS, 3), np.float32), np.zeros((1, CELLS, 32), np.float32)
        scores[0, 32 + 2] = (0.1, 0.2, 0.8)
        sides[0, 32 + 2] = distances(8, [0.0, 0.0, 1.0, 1.0])
        parts = np.split(np.arange(CELLS), [32, 40])
        return [scores[:, part] for part in parts] + [sides[:, part] for part in parts], {}
    if kind == "end_to_end":
        return [np.array([[*BOX, 0.8, 2.0], [0, 0, 0, 0, -1.0, -1.0]], np.float32)], {}
    boxes, scores, labels = np.array([[BOX]], np.float32), np.array([[0.8]], np.float32), np.array([[2]], np.int64)
    return [labels, boxes, scores], {}


@pytest.mark.parametrize("kind", ["yolov5", "yolov8", "gfl", "end_to_end", "detr"])
def test_a_golden_tensor_gives_its_box(kind: str) -> None:
    outputs, more = golden(kind)
    raw = ADAPTERS[kind](outputs, card(kind, **more))
    assert raw.label.tolist() == [2]
    assert raw.score[0] == pytest.approx(0.8, abs=1e-5)
    np.testing.assert_allclose(raw.boxes, [BOX], atol=1e-3)
    assert np.isnan(raw.ground).all()


def test_every_kind_is_tested_somewhere() -> None:
    assert set(ADAPTERS) == {"lukou_centre", "yolox", "yolov5", "yolov8", "gfl", "end_to_end", "detr"}


def test_other_forms_of_the_same_kinds() -> None:
    outputs, _ = golden("yolov8")
    np.testing.assert_allclose(ADAPTERS["yolov8"]([outputs[0].transpose(0, 2, 1)], card("yolov8")).boxes, [BOX])
    outputs, _ = golden("gfl")
    joined = np.concatenate([np.concatenate(outputs[:3], axis=1), np.concatenate(outputs[3:], axis=1)], axis=2)
    np.testing.assert_allclose(ADAPTERS["gfl"]([joined], card("gfl")).boxes, [BOX], atol=1e-3)
    pairs = [outputs[k] for k in (0, 3, 1, 4, 2, 5)]
    np.testing.assert_allclose(ADAPTERS["gfl"](pairs, card("gfl")).boxes, [BOX], atol=1e-3)
    logits = [np.where(one > 0, np.log(one / (1 - np.minimum(one, 0.999)) + 1e-12), -20) for one in outputs[:3]]
    raw = ADAPTERS["gfl"]([*logits, *outputs[3:]], card("gfl", activation="sigmoid"))
    assert raw.score[0] == pytest.approx(0.8, abs=1e-4)
    old = np.array([[0, *BOX, 2.0, 0.8]], np.float32)
    columns = ("batch", "x1", "y1", "x2", "y2", "label", "score")
    np.testing.assert_allclose(ADAPTERS["end_to_end"]([old], card("end_to_end", columns=columns)).boxes, [BOX])
    parts = [np.array([[1]], np.int32), np.array([[BOX]], np.float32), np.array([[0.8]]), np.array([[2.0]])]
    assert ADAPTERS["end_to_end"](parts, card("end_to_end")).label.tolist() == [2]


def test_a_plain_detr_tells_shares_of_the_picture() -> None:
    logits = np.full((1, 5, 3), -8.0, np.float32)
    logits[0, 3, 2] = np.log(0.8 / 0.2)
    boxes = np.zeros((1, 5, 4), np.float32)
    boxes[0, 3] = (48 / 64, 16 / 32, 16 / 64, 16 / 32)
    raw = ADAPTERS["detr"]([logits, boxes], card("detr"))
    np.testing.assert_allclose(raw.boxes, [BOX], atol=1e-3)
    nothing = np.concatenate([logits, np.full((1, 5, 1), 9.0, np.float32)], axis=2)
    assert len(ADAPTERS["detr"]([nothing, boxes], card("detr", activation="softmax")).label) == 0


def test_outputs_of_another_form_are_refused_with_what_to_do() -> None:
    outputs, _ = golden("gfl")
    with pytest.raises(OutputError, match="correct the strides"):
        ADAPTERS["gfl"](outputs, card("gfl", strides_px=(8, 16)))
    with pytest.raises(OutputError, match="bins"):
        ADAPTERS["gfl"](outputs, card("gfl", bins=16))
    with pytest.raises(OutputError, match="classes"):
        ADAPTERS["yolov5"]([np.zeros((1, 30, 7), np.float32)], card("yolov5"))
    with pytest.raises(OutputError, match="name them"):
        ADAPTERS["end_to_end"]([np.zeros((1, 5, 4)), np.zeros((1, 5))], card("end_to_end"))


def test_numbers_that_are_none_are_left_out() -> None:
    rows = np.zeros((1, 30, 8), np.float32)
    rows[0, 7] = (np.nan, 16, 16, 16, 1, 0, 0, 0.9)
    rows[0, 8] = (48, 16, 16, 16, np.nan, 0, 0, 0.9)
    assert len(ADAPTERS["yolov5"]([rows], card("yolov5")).label) == 0


class FakeSession:
    """A DETR that finds one box and scales it to the size it is told, as real ones do."""

    told: Any = None

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def get_inputs(self) -> list[SimpleNamespace]:
        picture = SimpleNamespace(name="images", shape=["n", 3, 32, 64], type="tensor(float)")
        return [picture, SimpleNamespace(name="orig_target_sizes", shape=["n", 2], type="tensor(int64)")]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in ("labels", "boxes", "scores")]

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        FakeSession.told = inputs["orig_target_sizes"].tolist()
        width, height = (64, 32) if self.told == [[64, 32]] else (32, 64)
        box = np.array([[[0.625 * width, 0.25 * height, 0.875 * width, 0.75 * height]]], np.float32)
        return [np.array([[2]], np.int64), box, np.array([[0.8]], np.float32)]


def test_a_picture_that_is_not_square_tells_width_from_height(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_module.onnxruntime, "InferenceSession", FakeSession)
    found = detector_module.Detector(card("detr")).detect(np.zeros((64, 128, 3), np.uint8))
    assert FakeSession.told == [[64, 32]]
    np.testing.assert_allclose([found.x1[0], found.y1[0], found.x2[0], found.y2[0]], np.array(BOX) * 2)
    detector_module.Detector(card("detr", target_size_order="hw"))
    assert FakeSession.told == [[32, 64]]
    with pytest.raises(CardError, match="outputs"):
        detector_module.Detector(card("detr", outputs=("boxes", "certainty")))


class Corner:
    """A model that finds one car of 8 x 8 px wherever the brightest pixel of its picture is."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="p", shape=[1, 3, 32, 64], type="tensor(float)")]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="rows")]

    def run(self, _: object, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        plane = inputs["p"][0, 0]
        if plane.max() < 100:
            return [np.zeros((0, 6), np.float32)]
        y, x = np.unravel_index(int(plane.argmax()), plane.shape)
        return [np.array([[x - 4, y - 4, x + 4, y + 4, 0.9, 2]], np.float32)]


@pytest.mark.parametrize(("letterbox", "shape"), [("stretch", (64, 256)), ("top_left", (64, 64)), ("centre", (64, 64))])
def test_boxes_come_back_through_every_letterbox(
    monkeypatch: pytest.MonkeyPatch, letterbox: str, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(detector_module.onnxruntime, "InferenceSession", Corner)
    picture = np.zeros((*shape, 3), np.uint8)
    picture[30:34, 38:42] = 255
    made = detector_module.Detector(card("end_to_end", letterbox=letterbox, pad_value=0))
    found = made.detect(picture)
    middle = (found.x1[0] + found.x2[0]) / 2, (found.y1[0] + found.y2[0]) / 2
    np.testing.assert_allclose(middle, (40, 32), atol=4)


def test_a_tile_finds_what_the_whole_picture_does_not_and_cut_boxes_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_module.onnxruntime, "InferenceSession", Corner)
    picture = np.zeros((320, 640, 3), np.uint8)
    picture[100, 300] = 255  # too small to survive being shrunk ten times
    far = (0.4, 0.25, 0.5, 0.35)
    assert len(detector_module.Detector(card("end_to_end")).detect(picture)) == 0
    found = detector_module.Detector(card("end_to_end", tiles=(far,))).detect(picture)
    assert len(found) == 1
    np.testing.assert_allclose([found.x1[0], found.y1[0]], [296, 96], atol=1)
    edge = (300 / 640, 0.25, 300 / 640 + 0.1, 0.35)  # the pixel lies on the tile's left edge
    assert len(detector_module.Detector(card("end_to_end", tiles=(edge,))).detect(picture)) == 0


def test_riders_become_one_with_what_they_ride() -> None:
    boxes = np.array(
        [[10, 0, 20, 30], [8, 15, 26, 36], [60, 0, 70, 30], [200, 0, 230, 30], [205, 0, 215, 24]], np.float32
    )
    raw = RawBoxes(
        np.array([0, 1, 0, 2, 0]),
        np.array([0.9, 0.6, 0.8, 0.7, 0.5], np.float32),
        boxes,
        np.full((5, 2), np.nan, np.float32),
    )
    found = merged_riders(raw, [0], [1])
    assert sorted(found.label.tolist()) == [0, 0, 1, 2]  # a walker alone and one before a car stay
    rider = int(np.flatnonzero(found.label == 1)[0])
    assert found.boxes[rider].tolist() == [8, 0, 26, 36]
    assert found.score[rider] == pytest.approx(0.9)


def test_cards_of_the_new_kinds_are_judged(tmp_path: Path) -> None:
    for more, told in (
        ({"tiles": [[0.5, 0.0, 0.4, 1.0]]}, "left < right"),
        ({"columns": ["x1", "y1", "x2", "y2", "score"]}, "label"),
        ({"scale": [0.1, -1, 0.1]}, "above 0"),
    ):
        with pytest.raises(ValueError, match=told):
            card("end_to_end", **more)
