"""Detectors: cards are judged, adapters decode what was encoded, the shipped model finds what the renderer drew."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_roadside.detector import SHIPPED_CARD, CardError, Detector, load_detector, read_card
from lukou_roadside.detector.adapters import lukou_centre, yolox
from lukou_roadside.detector.card import Card, Label
from lukou_roadside.detector.detections import PictureDetections, RawBoxes, suppress
from lukou_roadside.detector.verb import app

LABELS = {0: Label(name="car", object_class="CAR"), 1: Label(name="person", object_class="PEDESTRIAN")}


def card(kind: str, **more: object) -> Card:
    return Card.model_validate(
        {"name": "t", "kind": kind, "model": "m.onnx", "width_px": 64, "height_px": 32, "labels": LABELS, **more}
    )


def test_shipped_card_names_its_model() -> None:
    shipped = read_card(SHIPPED_CARD)
    assert shipped.kind == "lukou_centre"
    assert shipped.model.stat().st_size <= 2_000_000
    assert {label.object_class for label in shipped.labels.values()} == {"CAR", "TRUCK", "BICYCLE", "PEDESTRIAN"}
    metadata = json.loads((SHIPPED_CARD.parent / "metadata.json").read_text())
    assert metadata["sha256"][shipped.model.name] == shipped.sha256
    assert metadata["figures"]["day"]["map50"] > 0.8


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('kind = "lukou_centre"', "kind"),
        ('sha256 = "', "sha256"),
        ('object_class = "CAR"', "no kind of road user"),
        ("width_px = 640", "width_px"),
    ],
)
def test_bad_cards_are_refused_with_the_place(tmp_path: Path, change: str, told: str) -> None:
    text = SHIPPED_CARD.read_text()
    broken = {"kind": 'kind = "magic"', "sha256": f'sha256 = "{"0" * 64}"\n#', "object_class": 'object_class = "COW"'}
    replacement = broken.get(change.split(" ")[0], "width_px = 0")
    (tmp_path / "c.toml").write_text(text.replace(change, replacement))
    (tmp_path / "lukou_centre_640x384.onnx").write_bytes(read_card(SHIPPED_CARD).model.read_bytes())
    with pytest.raises(CardError, match=told):
        read_card(tmp_path / "c.toml")


def test_an_execution_provider_that_is_not_there_is_told() -> None:
    shipped = read_card(SHIPPED_CARD)
    with pytest.raises(CardError, match=r"has no SpaceExecutionProvider; it has .*CPUExecutionProvider"):
        Detector(shipped.model_copy(update={"provider": "SpaceExecutionProvider"}))
    two = Detector(shipped.model_copy(update={"threads": 2}))
    assert len(two.detect(np.full((384, 640, 3), 90, np.uint8))) < 5


def test_bytes_are_not_normalised_twice() -> None:
    with pytest.raises(ValueError, match="leave them out"):
        card("lukou_centre", dtype="uint8", scale=0.5)


def test_a_card_that_names_another_input_than_the_model_has_is_refused(tmp_path: Path) -> None:
    text = SHIPPED_CARD.read_text()
    (tmp_path / "lukou_centre_640x384.onnx").write_bytes(read_card(SHIPPED_CARD).model.read_bytes())
    for change, told in ((('layout = "nhwc"', ""), "expected"), (('dtype = "uint8"', ""), "float32")):
        assert change[0] in text
        (tmp_path / "c.toml").write_text(text.replace(*change))
        with pytest.raises(CardError, match=told):
            load_detector(tmp_path / "c.toml")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    text = SHIPPED_CARD.read_text().replace("lukou_centre_640x384.onnx", "m.onnx")
    lines = [line for line in text.splitlines() if not line.startswith("sha256")]
    (tmp_path / "c.toml").write_text("\n".join(lines))
    with pytest.raises(CardError, match="cannot load"):
        load_detector(tmp_path / "c.toml")
    with pytest.raises(CardError, match="no such card"):
        load_detector(tmp_path / "d.toml")


def test_centre_adapter_reads_a_peak() -> None:
    cells = np.zeros((1, 8, 8, 16), np.float32)
    cells[0, 1, 3, 5] = 0.9
    cells[0, 1, 3, 6] = 0.8  # not a peak
    cells[0, 0, 0, 0] = 0.2  # below the least score
    sides = np.log(np.expm1([1.0, 2.0, 1.5, 2.5]))  # what softplus turns into these
    cells[0, 2:, 3, 5] = (*sides, 0.25, 2.0)
    raw = lukou_centre([cells], card("lukou_centre"))
    assert raw.label.tolist() == [1]
    np.testing.assert_allclose(raw.boxes, [[18.0, 6.0, 28.0, 24.0]], rtol=1e-6)
    np.testing.assert_allclose(raw.ground, [[23.0, 22.0]])


def test_yolox_adapter_decodes_the_grid() -> None:
    strides = (8, 16, 32)
    rows = np.zeros((1, 8 * 4 + 4 * 2 + 2, 7), np.float32)
    rows[0, 32 + 5, :] = (0.5, 0.25, np.log(2.0), np.log(3.0), 0.9, 0.1, 0.8)  # second level, row 1, column 1
    raw = yolox([rows], card("yolox", strides_px=strides))
    assert raw.label.tolist() == [1]
    assert raw.score[0] == pytest.approx(0.72)
    np.testing.assert_allclose(raw.boxes[0], [24 - 16, 20 - 24, 24 + 16, 20 + 24], rtol=1e-5)
    assert np.isnan(raw.ground).all()


def test_suppression_within_and_between_classes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [30, 0, 40, 10]], np.float32)
    raw = RawBoxes(
        np.array([0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.95], np.float32), boxes, np.zeros((4, 2), np.float32)
    )
    assert suppress(raw, 0.6, 0.9, 10).tolist() == [3, 0, 2]
    assert suppress(raw, 0.6, 0.6, 10).tolist() == [3, 0]
    assert suppress(raw, 0.99, 0.99, 2).tolist() == [3, 0]


def street() -> np.ndarray:
    picture = np.full((384, 640, 3), 96, np.uint8)
    picture[:110] = (215, 210, 205)
    return picture


def test_an_empty_street_is_empty_and_sizes_scale() -> None:
    detector = load_detector()
    assert len(detector.detect(street())) == 0
    for column in fields(PictureDetections):
        assert len(getattr(detector.detect(street()), column.name)) == 0
    with pytest.raises(ValueError, match="uint8"):
        detector.detect(np.zeros((4, 4), np.uint8))  # type: ignore[arg-type]


def car(picture: np.ndarray) -> np.ndarray:
    """A car seen from behind, as simple as the renderer draws it."""
    cv2.rectangle(picture, (296, 232), (344, 268), (40, 40, 170), -1)
    cv2.rectangle(picture, (302, 212), (338, 234), (62, 55, 50), -1)
    cv2.rectangle(picture, (304, 206), (336, 213), (40, 40, 160), -1)
    cv2.rectangle(picture, (298, 264), (342, 271), (30, 30, 30), -1)
    return picture


def test_boxes_are_in_pixels_of_the_given_picture() -> None:
    detector = load_detector()
    small, large = car(street()), cv2.resize(car(street()), (1280, 768), interpolation=cv2.INTER_NEAREST)
    one, two = detector.detect(small), detector.detect(large)
    assert len(one) >= 1
    assert one.object_class[0] == ObjectClass.OBJECT_CLASS_CAR
    np.testing.assert_allclose([one.x1[0], one.y1[0], one.x2[0], one.y2[0]], [296, 206, 344, 271], atol=7)
    np.testing.assert_allclose(two.x1[0], 2 * one.x1[0], atol=6)
    assert one.y1[0] < one.ground_y[0] < one.y2[0] + 5


def test_the_verb_prints_boxes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), car(street()))
    result = CliRunner().invoke(app, [str(tmp_path / "a.png"), "--json", "--picture", str(tmp_path / "b.png")])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert {"class", "score", "x1", "y1", "x2", "y2"} <= set(record["boxes"][0])
    assert (tmp_path / "b.png").exists()
    missing = CliRunner().invoke(app, [str(tmp_path / "c.png")])
    assert missing.exit_code == 2
    assert "no such file" in missing.output


@pytest.mark.parametrize("bad", [b"no picture", b""])
def test_one_unreadable_picture_fails_and_the_others_are_done(tmp_path: Path, bad: bytes) -> None:
    good, other = tmp_path / "good.png", tmp_path / "other.png"
    for file in (good, other):
        cv2.imwrite(str(file), car(street()))
    (tmp_path / "bad.png").write_bytes(bad)
    (tmp_path / "bad.mp4").write_bytes(bad)
    for name in ("bad.png", "bad.mp4"):
        result = CliRunner().invoke(app, [str(good), str(tmp_path / name), str(other), "--json"])
        assert result.exit_code == 1
        assert name in result.stderr and "good.png" not in result.stderr
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert [record["file"] for record in records] == [str(good), str(other)]
        assert {"schema_version", "seed", "git"} <= set(records[0])
        assert CliRunner().invoke(app, [str(tmp_path / name)]).exit_code == 1


def test_a_picture_that_cannot_be_written_fails(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), car(street()))
    for name in ("b.nothing", "nowhere/b.png"):
        result = CliRunner().invoke(app, [str(tmp_path / "a.png"), "--picture", str(tmp_path / name)])
        assert result.exit_code == 1, result.output
        assert "cannot write" in result.stderr
