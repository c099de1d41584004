"""Where calibrating begins: a camera of a site file, or what options tell of one."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.perception.settings import CameraSettings

WIDTH_SHARE = 0.85
"""Guessed focal length over the picture's width: 61 degrees of view. """

GUESS = {"x_m": 0.0, "y_m": 0.0, "z_m": 8.0, "azimuth_rad": 0.0, "pitch_rad": -0.3}
"""Pose where nothing is said; it only fills the form."""


def read_camera(path: Path, name: str = "") -> tuple[dict[str, Any], Path | None]:
    """A camera of a TOML file with ``[[perception.cameras]]``, as plain values, and the site's map where the file names one.

    Raises
    ------
    CalibrationError
        The file cannot be read or holds no such camera.
    """
    try:
        data = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CalibrationError(f"{path}: {error}") from None
    section = data.get("perception", {})
    cameras = section.get("cameras", []) if isinstance(section, dict) else []
    if not isinstance(cameras, list) or not cameras or not all(isinstance(one, dict) for one in cameras):
        raise CalibrationError(f"{path}: expected a section [[perception.cameras]]")
    known = [str(one.get("name", "")) for one in cameras]
    if not name and len(cameras) > 1:
        raise CalibrationError(f"{path}: several cameras; say which with --name: {', '.join(known)}")
    if name and name not in known:
        if len(cameras) > 1:
            raise CalibrationError(f"{path}: there is no camera {name!r}; found {', '.join(known)}")
        cameras[0]["name"] = name
        known = [name]
    map_file = path.parent / str(section["map"]) if "map" in section else None
    return dict(cameras[known.index(name) if name else 0]), map_file


def start_camera(values: dict[str, Any], size_px: tuple[int, int] | None) -> CameraSettings:
    """A whole camera from some of its values.

    Parameters
    ----------
    values : dict
        What is known, by the names of `CameraSettings`.
    size_px : (int, int), optional
        Width and height of the picture; must agree with what is known.

    Raises
    ------
    CalibrationError
        Sizes differ, or a value is out of bounds.
    """
    told = values.get("width_px"), values.get("height_px")
    if size_px is not None:
        if None not in told and told != size_px:
            raise CalibrationError(
                f"the picture is {size_px[0]} x {size_px[1]}, the camera {told[0]} x {told[1]}; intrinsics hold for one size only: give the right file"
            )
        values = {**values, "width_px": size_px[0], "height_px": size_px[1]}
    elif None in told:
        raise CalibrationError("the size of the picture is not known; give --picture or --size 1920x1080")
    filled = {"name": "camera", "focal_x_px": WIDTH_SHARE * values["width_px"], **GUESS, **values}
    try:
        return CameraSettings.model_validate(filled)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CalibrationError(f"camera: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def size_of(text: str) -> tuple[int, int]:
    """``1920x1080`` as two numbers.

    Raises
    ------
    CalibrationError
        Of another form.
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise CalibrationError(f"--size {text}: expected for example 1920x1080")
    return int(width), int(height)


def numbers_of(text: str, option: str, least: int, most: int) -> list[float]:
    """Numbers with commas between.

    Raises
    ------
    CalibrationError
        Of another form.
    """
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not least <= len(numbers) <= most or not all(math.isfinite(one) for one in numbers):
        raise CalibrationError(
            f"{option} {text}: expected {least if least == most else f'{least} to {most}'} numbers with commas between"
        )
    return numbers
