"""What the commands of ``lukou calibrate`` share: their options, what they begin with, and what they write."""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.errors import LukouError
from lukou_messages.report import WRONG_USAGE, print_json
from lukou_roadside.calibration import report
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.ground import heights
from lukou_roadside.calibration.lane_lines import lane_lines
from lukou_roadside.calibration.parameters import camera_at
from lukou_roadside.calibration.pictures import read_picture
from lukou_roadside.calibration.start import numbers_of, read_camera, size_of, start_camera
from lukou_roadside.perception.settings import CameraSettings


@dataclass(frozen=True, slots=True)
class Given:
    """Options that several commands take; each command names those it takes with `takes`."""

    camera_file: Annotated[
        Path | None, typer.Option("--camera", help="TOML with the camera so far: lens, size, maybe a rough pose")
    ] = None
    name: Annotated[str, typer.Option("--name", help="name of the camera")] = ""
    size: Annotated[
        str, typer.Option("--size", help="size of the picture, for example 1920x1080, where no picture is given")
    ] = ""
    focal: Annotated[float | None, typer.Option("--focal", min=1.0, help="focal length where it is known [px]")] = None
    map_file: Annotated[
        Path | None, typer.Option("--map", help="map; without it points need z and nothing is drawn")
    ] = None
    picture: Annotated[Path | None, typer.Option("--picture", help="picture or video of the street")] = None
    out: Annotated[
        Path | None, typer.Option("--out", help="where the camera goes, as a section of a site file (TOML)")
    ] = None
    report_file: Annotated[Path | None, typer.Option("--report", help="where the report goes (JSON)")] = None
    drawing: Annotated[
        Path | None, typer.Option("--drawing", help="where the picture with the map and the residuals goes")
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="the report as one JSON object on stdout")] = False


OUTPUTS = ("out", "report_file", "drawing", "as_json")


def takes(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options of `Given` beside its own; our own errors become one sentence and exit code 2.

    The command takes its own options and `given`.
    """

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        def run(**values: Any) -> None:
            given = Given(**{name: values.pop(name) for name in names})
            try:
                command(**values, given=given)
            except LukouError as error:
                print(f"lukou calibrate: {error}", file=sys.stderr)
                raise typer.Exit(WRONG_USAGE) from None

        own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "given"]
        hints = inspect.get_annotations(Given, eval_str=True)
        defaults = {one.name: one.default for one in fields(Given)}
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=hints[name])
            for name in names
        ]
        everything = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + more
        run.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in everything}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return wrap


class Begun:
    """Camera, map and picture to begin with."""

    def __init__(self, start: CameraSettings, is_focal_known: bool, model: RoadModel | None, picture: Any) -> None:
        self.start, self.is_focal_known, self.model, self.picture = start, is_focal_known, model, picture

    def camera(self, vector: Any) -> CameraSettings:
        return camera_at(self.start, vector)

    def ground_z_m(self) -> float:
        return float(np.median(self.model.lanes.z_m)) if self.model is not None and len(self.model.lanes.z_m) else 0.0

    def with_heights(self, pairs: Any) -> Any:
        """Points without z get the height of the map, or 0."""
        unknown = np.isnan(pairs.z_m)
        return (
            replace(pairs, z_m=np.where(unknown, heights(self.model, pairs.x_m, pairs.y_m), pairs.z_m))
            if unknown.any()
            else pairs
        )

    def placed(self, near: str, toward: str) -> CameraSettings:
        """The start at the place that the options tell."""
        change: dict[str, float] = {}
        if near:
            place = numbers_of(near, "--near", 2, 3)
            change |= {"x_m": place[0], "y_m": place[1]}
            change["z_m"] = place[2] if len(place) == 3 else 8.0 + self.ground_z_m()
        elif (self.start.x_m, self.start.y_m) == (0.0, 0.0):
            raise CalibrationError("the rough place of the camera is not known; give --near x,y")
        if toward:
            x, y = numbers_of(toward, "--toward", 2, 2)
            change["azimuth_rad"] = math.atan2(
                y - change.get("y_m", self.start.y_m), x - change.get("x_m", self.start.x_m)
            )
        elif near:
            raise CalibrationError(
                "the rough direction of the camera is not known; give --toward x,y of a place in the picture's middle"
            )
        self.start = self.start.model_copy(update=change)
        return self.start

    def finish(
        self,
        figures: dict[str, Any],
        camera: CameraSettings,
        given: Given,
        pairs: Any = None,
        weights: Any = None,
        has_pose: bool = True,
    ) -> None:
        """Write and print what was asked for."""
        if "deviation" in figures:
            camera = camera.model_copy(update={"angle_deviation_rad": figures["camera"]["angle_deviation_rad"]})
        if given.out is not None:
            write(given.out, report.as_toml(camera, has_pose))
        if given.report_file is not None:
            write(given.report_file, json.dumps(figures, indent=1))
        if given.drawing is not None:
            if self.picture is None:
                raise CalibrationError("there is no picture to draw on; give --picture")
            shown = None if self.model is None else lane_lines(self.model, (camera.x_m, camera.y_m))
            drawn = report.draw(self.picture, camera, shown, pairs, weights)
            if not cv2.imwrite(str(given.drawing), drawn):
                raise CalibrationError(f"cannot write {given.drawing}; give a name that ends in .png or .jpg")
        if given.as_json:
            print_json(figures)
        else:
            print(report.in_words(figures))


def begin(given: Given, values: dict[str, Any] | None = None) -> Begun:
    """Read camera, map and picture; `values` are settings of the camera that are known already."""
    values, map_file = dict(values or {}), given.map_file
    if given.camera_file is not None:
        values, named_map = read_camera(given.camera_file, given.name)
        map_file = map_file or named_map
    elif given.name:
        values["name"] = given.name
    if given.focal is not None:
        values["focal_x_px"] = given.focal
    image = None if given.picture is None else read_picture(given.picture)
    told = (image.shape[1], image.shape[0]) if image is not None else size_of(given.size) if given.size else None
    model = load_map(map_file) if map_file is not None else None
    return Begun(start_camera(values, told), "focal_x_px" in values, model, image)


def write(path: Path, text: str) -> None:
    """Write a text file.

    Raises
    ------
    CalibrationError
        It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{path}: {error.strerror}") from None
