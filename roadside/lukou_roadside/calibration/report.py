"""What a calibration says of itself: figures, words, and the map drawn into the picture."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_roadside.calibration.alignment import see
from lukou_roadside.calibration.lane_lines import LineSamples
from lukou_roadside.calibration.parameters import PARAMETERS, camera_at, ground_deviation
from lukou_roadside.calibration.points import Pairs
from lukou_roadside.calibration.solver import Solution
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats

LINE, STOP, GOOD, BAD = (60, 230, 255), (80, 80, 255), (80, 220, 60), (60, 60, 255)
"""Colours: blue, green, red."""


POSE_NAMES = ("x_m", "y_m", "z_m", "azimuth_rad", "pitch_rad", "roll_rad", "angle_deviation_rad")
"""Values of a camera that are its pose."""


def even_solution(count: int) -> Solution:
    """No solution at all: every pair counts the same."""
    return Solution(np.zeros(0), np.zeros((0, 0)), np.ones(count), 0.0, 1.0)


def camera_figures(camera: CameraSettings) -> dict[str, Any]:
    """The camera as it goes into a site file."""
    figures: dict[str, Any] = {"name": camera.name, "width_px": camera.width_px, "height_px": camera.height_px}
    figures["focal_x_px"] = round(camera.focal_x_px, 3)
    if camera.focal_y_px is not None:
        figures["focal_y_px"] = round(camera.focal_y_px, 3)
    for name in ("centre_x_px", "centre_y_px"):
        value = getattr(camera, name)
        if value is not None:
            figures[name] = round(value, 3)
    if any(camera.distortion) or camera.lens != "radial_tangential":
        figures["lens"] = camera.lens
        figures["distortion"] = [round(value, 7) for value in camera.distortion]
    for name in ("x_m", "y_m", "z_m"):
        figures[name] = round(getattr(camera, name), 4)
    for name in ("azimuth_rad", "pitch_rad", "roll_rad"):
        figures[name] = round(getattr(camera, name), 6)
    figures["angle_deviation_rad"] = round(camera.angle_deviation_rad, 6)
    return figures


def as_toml(camera: CameraSettings, has_pose: bool = True) -> str:
    """The camera as a section of a site file; without its pose where that is not known."""
    lines = ["[[perception.cameras]]"]
    for name, value in camera_figures(camera).items():
        if not has_pose and name in POSE_NAMES:
            continue
        text = f'"{value}"' if isinstance(value, str) else str(value)
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"


def solution_figures(start: CameraSettings, solution: Solution, ground_z_m: float) -> dict[str, Any]:
    """Camera, deviations of its parameters, and what they do on the ground."""
    camera = camera_at(start, solution.vector)
    deviation = np.sqrt(np.maximum(np.diag(solution.covariance), 0.0))
    told = {name: float(deviation[k]) for k, name in enumerate(PARAMETERS)}
    told["focal_x_px"] = told.pop("log_focal") * camera.focal_x_px
    angle = float(math.sqrt(0.5 * (deviation[3] ** 2 + deviation[4] ** 2)))
    camera = camera.model_copy(update={"angle_deviation_rad": float(np.clip(angle, 0.0005, 0.05))})
    return {
        "camera": camera_figures(camera),
        "deviation": {name: round(value, 6) for name, value in told.items()},
        "covariance": [[float(f"{value:.6g}") for value in row] for row in solution.covariance],
        "parameters": list(PARAMETERS),
        "ground_deviation_m": ground_deviation(start, solution.vector, solution.covariance, ground_z_m),
    }


def pair_figures(camera: CameraSettings, pairs: Pairs, solution: Solution, left_out_m: Floats | None) -> dict[str, Any]:
    """Residual of every pair, in the picture and on the ground."""
    calibration = Calibration(camera)
    u, v = calibration.to_picture(pairs.x_m, pairs.y_m, pairs.z_m)
    x, y = calibration.to_ground(pairs.u_px, pairs.v_px, pairs.z_m)
    off_px = np.hypot(u - pairs.u_px, v - pairs.v_px)
    off_m = np.hypot(x - pairs.x_m, y - pairs.y_m)
    good = solution.weights > 0.5
    rows = [
        {
            "name": pairs.names[k],
            "u_px": float(pairs.u_px[k]),
            "v_px": float(pairs.v_px[k]),
            "residual_px": _rounded(off_px[k], 2),
            "ground_error_m": _rounded(off_m[k], 3),
            "left_out_error_m": None if left_out_m is None else _rounded(left_out_m[k], 3),
            "is_used": bool(good[k]),
        }
        for k in range(len(pairs))
    ]
    return {
        "pairs": rows,
        "used": int(good.sum()),
        "residual_px": _spread(off_px[good], 2),
        "ground_error_m": _spread(off_m[good], 3),
        "left_out_error_m": None if left_out_m is None else _spread(left_out_m[np.isfinite(left_out_m)], 3),
    }


def in_words(figures: dict[str, Any]) -> str:
    """The report for a person."""
    camera = figures["camera"]
    deviation = figures.get("deviation")

    def told(name: str, unit: float = 1.0, digits: int = 2) -> str:
        spread = "" if deviation is None else f" ± {unit * deviation[name]:.{digits}f}"
        return f"{unit * camera[name]:.{digits}f}{spread}"

    degree = math.degrees(1.0)
    words = [
        f"{figures['method']}: camera {camera['name']}, x {told('x_m')}, y {told('y_m')}, z {told('z_m')} m",
        f"  azimuth {told('azimuth_rad', degree)}, pitch {told('pitch_rad', degree)}, roll {told('roll_rad', degree)} degrees",
        f"  focal length {told('focal_x_px', digits=1)} px, distortion {camera.get('distortion', 'none')}",
    ]
    if "ground_deviation_m" in figures:
        ahead = figures["ground_deviation_m"].items()
        errors = ", ".join(f"{value:.2f} m at {distance} m" for distance, value in ahead if value is not None)
        words.append(
            f"  expected error on the ground (one standard deviation): {errors or 'the street ahead is not in the picture'}"
        )
    shown = (
        "found_share",
        "best_share",
        "vanishing_share",
        "passes",
        "before_m",
        "after_m",
        "azimuth_degrees",
        "pitch_degrees",
        "roll_degrees",
    )
    more = [
        f"{name.replace('_', ' ')} {figures[name]}"
        for name in (*shown, "pose_read_as")
        if figures.get(name) is not None
    ]
    words += [f"  {', '.join(more)}"] * bool(more)
    for row in figures.get("pairs", ()):
        residual = "not in view" if row["residual_px"] is None else f"{row['residual_px']:6.1f} px"
        ground = "" if row["ground_error_m"] is None else f"  {row['ground_error_m']:6.2f} m on the ground"
        words.append(f"  {row['name']:<20}{residual}{ground}{'' if row['is_used'] else '   left out as wrong'}")
    words += [f"  note: {warning}" for warning in figures.get("warnings", ())]
    return "\n".join(words)


def draw(
    picture: NDArray[np.uint8],
    camera: CameraSettings,
    lines: LineSamples | None,
    pairs: Pairs | None,
    weights: Floats | None = None,
) -> NDArray[np.uint8]:
    """The picture with the map's lines, and the pairs with their residuals.

    A pair is a circle where it was clicked and a line to where the camera puts its map point, ten times as long as the error.
    """
    canvas = picture.copy()
    thick = max(1, camera.width_px // 900)
    if lines is not None:
        _draw_lines(canvas, camera, lines, thick)
    if pairs is None:
        return canvas
    u, v = Calibration(camera).to_picture(pairs.x_m, pairs.y_m, pairs.z_m)
    for k in range(len(pairs)):
        is_good = weights is None or weights[k] > 0.5
        colour = GOOD if is_good else BAD
        clicked = int(pairs.u_px[k]), int(pairs.v_px[k])
        cv2.circle(canvas, clicked, 6 * thick, colour, thick, cv2.LINE_AA)
        if np.isfinite(u[k]):
            factor = 10.0 if is_good else 1.0
            end = pairs.u_px[k] + factor * (u[k] - pairs.u_px[k]), pairs.v_px[k] + factor * (v[k] - pairs.v_px[k])
            cv2.line(
                canvas,
                clicked,
                (int(np.clip(end[0], -1e4, 1e4)), int(np.clip(end[1], -1e4, 1e4))),
                colour,
                thick,
                cv2.LINE_AA,
            )
        place = clicked[0] + 8 * thick, clicked[1] - 6 * thick
        text = pairs.names[k].encode("ascii", "replace").decode()
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thick, colour, thick, cv2.LINE_AA)
    return canvas


def _draw_lines(canvas: NDArray[np.uint8], camera: CameraSettings, lines: LineSamples, thick: int) -> None:
    seen = see(camera, lines)
    number = lines.line[seen.row]
    starts = np.flatnonzero(np.diff(number, prepend=-1) != 0)
    for first, last in zip(starts, [*starts[1:], len(number)], strict=True):
        rows = np.arange(first, last)
        gaps = np.flatnonzero(np.diff(seen.row[rows]) > 1) + 1
        for part in np.split(rows, gaps):
            points = np.column_stack([seen.u_px[part], seen.v_px[part]])
            cv2.polylines(canvas, [np.round(points * 8).astype(np.int32)], False, LINE, thick, cv2.LINE_AA, 3)


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None


def _spread(values: Floats, digits: int) -> dict[str, float | None]:
    if len(values) == 0:
        return {"median": None, "p95": None, "rms": None}
    told = {"median": np.median(values), "p95": np.percentile(values, 95), "rms": np.sqrt(np.mean(values**2))}
    return {name: _rounded(float(value), digits) for name, value in told.items()}
