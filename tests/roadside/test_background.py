"""What shows the empty street is dropped, what stands before it never: learnt from pictures with traffic, told by `lukou adapt`."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from lukou_hw.camera import CameraFrame
from lukou_roadside.detector.adapt_verb import app
from lukou_roadside.detector.background import Background, BackgroundError, BackgroundMaker, read_background
from lukou_roadside.detector.verb import app as detect_app
from lukou_roadside.perception.core import PerceptionCore
from lukou_roadside.perception.settings import PerceptionSettings

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
HEIGHT, WIDTH = 180, 320
SIGN = (40, 30, 60, 70)
"""Something that stands there for ever: left, top, right, bottom."""


class Street:
    """A textured street with noise and cars of random places and colours."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        coarse = self.rng.uniform(60, 140, (HEIGHT // 12, WIDTH // 12, 3)).astype(np.float32)
        self.empty = cv2.resize(coarse, (WIDTH, HEIGHT))
        left, top, right, bottom = SIGN
        self.empty[top:bottom, left:right] = (30, 60, 200)

    def picture(self, cars: int = 4, light: float = 1.0) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        shown = self.empty * light
        boxes = []
        for _ in range(cars):
            x, y = self.rng.integers(0, WIDTH - 40), self.rng.integers(75, HEIGHT - 25)
            colour = self.rng.choice([[20, 20, 20], [230, 230, 230], [40, 40, 190], [160, 60, 30]])
            shown[y : y + 22, x : x + 38] = colour * light
            boxes.append((x, y, x + 38, y + 22))
        noisy = shown + self.rng.normal(0, 4, shown.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8), np.array(boxes, np.float64).reshape(-1, 4)


def learnt(street: Street, count: int = 40, light: float = 1.0) -> Background:
    maker = BackgroundMaker()
    for _ in range(count):
        maker.add(street.picture(light=light)[0])
    return maker.make()


def columns(*boxes: tuple[float, ...]) -> tuple[NDArray[np.float64], ...]:
    x1, y1, x2, y2 = np.array(boxes, np.float64).reshape(-1, 4).T
    return x1, y1, x2, y2


def test_the_sign_is_background_and_cars_are_not() -> None:
    street = Street()
    background = learnt(street)
    for _ in range(20):
        picture, cars = street.picture()
        assert background.is_on_background(picture, *columns(SIGN)).all()
        assert not background.is_on_background(picture, *columns(*map(tuple, cars))).any()


def test_a_road_user_before_the_sign_stays() -> None:
    street = Street()
    background = learnt(street)
    picture, _ = street.picture(cars=0)
    left, top, right, bottom = SIGN
    picture[top + 8 : bottom, left + 4 : right - 4] = (200, 200, 200)
    assert not background.is_on_background(picture, *columns(SIGN)).any()


def test_a_little_more_light_changes_nothing_and_much_change_says_nothing() -> None:
    street = Street()
    background = learnt(street)
    assert background.is_on_background(street.picture(light=1.12)[0], *columns(SIGN)).all()
    moved = np.roll(street.picture()[0], 25, axis=1)  # the camera was turned
    assert not background.is_on_background(moved, *columns(SIGN)).any()


def test_where_something_stands_half_of_the_time_nothing_is_known() -> None:
    street, maker = Street(), BackgroundMaker()
    queue = (100, 100, 140, 122)
    for k in range(40):
        picture, _ = street.picture(cars=0)
        if k % 2:
            picture[queue[1] : queue[3], queue[0] : queue[2]] = street.rng.integers(0, 255, 3)
        maker.add(picture)
    background = maker.make()
    picture, _ = street.picture(cars=0)
    assert background.changed(picture, *columns(queue))[0] == 1.0
    assert background.is_on_background(picture, *columns(SIGN)).all()


def test_two_lights_are_kept_side_by_side(tmp_path: Path) -> None:
    street = Street()
    day, night = learnt(street), None
    street.empty[:60] = street.empty[:60][::-1]  # a lamp makes other shades
    night = learnt(street, light=0.4)
    both = night.joined(day)
    file = tmp_path / "north.background"
    both.save(file)
    again = read_background(file)
    assert len(again.median) == 2
    picture, cars = street.picture(light=0.4)
    np.testing.assert_array_equal(again.changed(picture, *columns(SIGN)), both.changed(picture, *columns(SIGN)))
    assert not again.is_on_background(picture, *columns(*map(tuple, cars))).any()
    with pytest.raises(BackgroundError, match="one camera"):
        day.joined(Background(day.median, day.threshold, 640, 360))


def test_bad_input_is_told(tmp_path: Path) -> None:
    maker = BackgroundMaker()
    maker.add(np.zeros((90, 160, 3), np.uint8))
    with pytest.raises(BackgroundError, match="too few"):
        maker.make()
    with pytest.raises(BackgroundError, match="not of the same camera"):
        maker.add(np.zeros((90, 161, 3), np.uint8))
    wrong = tmp_path / "x.background"
    for content in (b"", b"PK\x03\x04", b"hello"):
        wrong.write_bytes(content)
        with pytest.raises(BackgroundError, match="lukou adapt"):
            read_background(wrong)
    np.savez(tmp_path / "y.npz", median=np.zeros((1, 2, 2)), threshold=np.zeros((1, 2, 2)), size=np.array([2, 2]))
    with pytest.raises(BackgroundError, match="other shapes"):
        read_background(tmp_path / "y.npz")
    with pytest.raises(BackgroundError, match="no such file"):
        read_background(tmp_path / "z")


def test_pictures_of_another_size_are_left_alone() -> None:
    background = learnt(Street())
    assert background.changed(np.zeros((90, 160, 3), np.uint8), *columns(SIGN))[0] == 1.0


def test_the_verb_learns_tells_and_detect_uses_it(tmp_path: Path) -> None:
    street, files = Street(3), []
    for k in range(40):
        files.append(str(tmp_path / f"{k:02d}.png"))
        cv2.imwrite(files[-1], street.picture()[0])
    out, shown = tmp_path / "north.background", tmp_path / "shown.png"
    result = CliRunner().invoke(app, [*files, "--out", str(out), "--picture", str(shown), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["pictures"] == 40
    assert told["judged_pictures"] == 20
    assert 0 <= told["dropped"] <= told["before"]
    assert shown.exists()
    assert read_background(out).width_px == WIDTH
    again = CliRunner().invoke(app, [*files, "--out", str(out), "--add", str(out)])
    assert again.exit_code == 0
    assert len(read_background(out).median) == 2
    assert CliRunner().invoke(detect_app, [files[0], "--background", str(out), "--json"]).exit_code == 0
    assert CliRunner().invoke(detect_app, [files[0], "--background", files[0]]).exit_code == 2
    assert CliRunner().invoke(app, [files[0], "--out", str(out)]).exit_code == 2
    assert CliRunner().invoke(app, ["absent.png", "--out", str(out)]).exit_code == 2


def test_perception_drops_and_counts_them(tmp_path: Path) -> None:
    street = Street()
    file = tmp_path / "north.background"
    learnt(street).save(file)
    picture, cars = street.picture(cars=1)

    class Boxes:
        object_class, score = np.array([1, 1]), np.array([0.9, 0.8])
        x1, y1, x2, y2 = np.array([SIGN, tuple(cars[0])], np.float64).T
        ground_x, ground_y = np.full(2, np.nan), np.full(2, np.nan)

    class Detector:
        def detect(self, picture: NDArray[np.uint8]) -> Boxes:
            return Boxes()

    camera = {
        "name": "camera-north", "width_px": WIDTH, "height_px": HEIGHT, "focal_x_px": 200.0, "x_m": 0.0, "y_m": 0.0, "z_m": 10.0,
        "azimuth_rad": 0.0, "pitch_rad": -0.6, "background": str(file),
    }  # fmt: skip
    gate = {"map_margin_m": float("inf"), "size_tolerance": 0.0}
    settings = PerceptionSettings.model_validate(
        {"site": "k1", "map": str(DISTRICT), "cameras": [camera], "gate": gate}
    )
    core = PerceptionCore(settings, Detector())  # type: ignore[arg-type]
    core.step(10**18, [])
    scan = core.detections_in(CameraFrame("camera-north", picture, 10**18, 10**18))
    assert len(scan.x_m) == 1
    assert core.figures()["detections_on_background"] == 1
