"""Calibration files of others: OpenCV (YAML, XML, JSON), ROS camera_info, Kalibr, KITTI, and JSON with named matrices."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np

from lukou_roadside.calibration import plain_yaml
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.parameters import pose_of
from lukou_roadside.perception.lens import NUMBERS, LensKind
from lukou_roadside.perception.tracking.scan import Floats

MATRIX = (
    "camera_matrix",
    "cameraMatrix",
    "Camera_Matrix",
    "intrinsic_camera_matrix",
    "intrinsic_matrix",
    "intrinsics",
    "intrinsic",
    "K",
    "M1",
)
DISTORTION = (
    "distortion_coefficients", "Distortion_Coefficients", "dist_coefficients", "distCoeffs", "dist_coeffs", "distortion_coeffs",
    "distortion", "D", "D1",
)  # fmt: skip
WIDTH, HEIGHT = ("image_width", "image_Width", "width"), ("image_height", "image_Height", "height")
SIZE = ("resolution", "image_size", "imageSize", "S")
MODEL = ("distortion_model", "lens", "camera_model", "model")
EXTRINSICS = (
    "camera_from_map",
    "T_camera_map",
    "T_cam_world",
    "T_camera_world",
    "extrinsics",
    "extrinsic_matrix",
    "extrinsic",
)
ROTATION, TRANSLATION = (
    ("R", "rvec", "rotation", "rotation_matrix"),
    ("T", "t", "tvec", "translation", "translation_vector"),
)
FISHEYE = {"fisheye", "equidistant", "equi", "kannala_brandt", "kb4", "opencv_fisheye"}

OPENCV_CENTRE_PX = 0.5
"""OpenCV counts from the middle of the first pixel, Lukou from the picture's corner. [px]"""

BODY_FROM_CAMERA: Floats = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Axes of a body (x forward, y left, z up) from those of a camera (x right, y down, z forward)."""

TURNED_RAD = math.radians(35.0)
"""Cameras are not mounted with more roll than this: tells conventions apart. [rad]"""


@dataclass(frozen=True)
class Imported:
    """What a file says.

    Attributes
    ----------
    width_px, height_px : int or None
        Size of the picture. [px]
    focal_x_px, focal_y_px, centre_x_px, centre_y_px : float
        In Lukou's convention (from the picture's corner). [px]
    lens : str
        Kind of the lens.
    distortion : tuple of float
        Coefficients.
    pose : (6,) float array or None
        Place and angles in the file's own frame; None: the file does not say, or its matrices were not named.
    how : str
        How the pose was read.
    matrices : tuple of str
        Names that could be given as extrinsics.
    """

    width_px: int | None
    height_px: int | None
    focal_x_px: float
    focal_y_px: float
    centre_x_px: float
    centre_y_px: float
    lens: LensKind
    distortion: tuple[float, ...]
    pose: Floats | None
    how: str
    matrices: tuple[str, ...]


def read_calibration(path: Path, camera: str = "", extrinsics: str = "") -> Imported:
    """Read a calibration file.

    Parameters
    ----------
    path : Path
        The file.
    camera : str
        Which camera of a file with several: ``cam1`` (Kalibr), ``02`` or ``2`` (KITTI).
    extrinsics : str
        Name of the matrix that holds the pose (3 × 4 or 4 × 4, rigid, or a projection matrix), with its convention where it can be read in
        several ways: ``name=camera_from_map``, ``map_from_camera``, ``body_from_map``, ``map_from_body``.

    Raises
    ------
    CalibrationError
        The file is of no known form, or says nothing of a camera; with what was found.
    """
    tree = _tree(path, camera)
    matrix = _matrix(_first(tree, MATRIX), path)
    if matrix is None:
        raise CalibrationError(
            f"{path}: no intrinsics found; expected one of {', '.join(MATRIX[:5])}; the file has {', '.join(list(tree)[:12]) or 'nothing'}"
        )
    width, height = _size(tree)
    kind, distortion = _lens(tree, path)
    named = tuple(name for name in tree if _as_rigid(tree[name]) is not None or _as_projection(tree[name]) is not None)
    pose, how = _pose(tree, extrinsics, path)
    skew = abs(matrix[0, 1]) / matrix[0, 0]
    if skew > 0.01:
        raise CalibrationError(
            f"{path}: the axes of the pixels are not at right angles (skew {matrix[0, 1]:.2f}); give the plain intrinsics"
        )
    return Imported(
        width, height, float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]) + OPENCV_CENTRE_PX, float(matrix[1, 2]) + OPENCV_CENTRE_PX,
        kind, distortion, pose, how, named,
    )  # fmt: skip


# --- reading ----------------------------------------------------------------------------------------------------------


def _tree(path: Path, camera: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: {error}") from None
    try:
        if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
            tree: Any = json.loads(text)
        elif text.lstrip().startswith("<"):
            tree = _xml(ElementTree.fromstring(text))
        elif re.search(r"^\w+:\s+-?\d[\d.eE+-]*(\s+-?\d[\d.eE+-]*){2,}\s*$", text, re.MULTILINE):
            return _kitti(text, camera)
        else:
            tree = plain_yaml.parse(text) or {}
    except (json.JSONDecodeError, ElementTree.ParseError, CalibrationError, RecursionError) as error:
        raise CalibrationError(f"{path}: {error}") from None
    if not isinstance(tree, dict):
        raise CalibrationError(f"{path}: expected named values, found {type(tree).__name__}")
    inner = tree.get(camera or "cam0")
    if isinstance(inner, dict):
        tree = inner
    elif camera:
        raise CalibrationError(f"{path}: there is no camera {camera!r}; found {', '.join(list(tree)[:12])}")
    return _flat(tree)


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Names of the whole file; of nested sections that are no matrices the inner names too."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat.setdefault(str(name), value)
        if isinstance(value, dict) and "data" not in value:
            for inner, one in value.items():
                flat.setdefault(str(inner), one)
    return flat


def _xml(root: ElementTree.Element) -> dict[str, Any]:
    """OpenCV's XML: a matrix has rows, cols and data."""
    made: dict[str, Any] = {}
    for element in root:
        children = {child.tag: (child.text or "") for child in element}
        if "data" in children:
            made[element.tag] = {
                "rows": float(children.get("rows", "0") or 0),
                "cols": float(children.get("cols", "0") or 0),
                "data": [float(word) for word in children["data"].split()],
            }
        else:
            made[element.tag] = plain_yaml.scalar((element.text or "").strip())
    return made


def _kitti(text: str, camera: str) -> dict[str, Any]:
    """KITTI: lines ``name: numbers``; raw files number cameras 00 to 03, object files P0 to P3."""
    rows: dict[str, Floats] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        numbers = rest.split()
        if numbers and all(re.fullmatch(r"-?[\d.]+(?:[eE][+-]?\d+)?", word) for word in numbers):
            rows[name.strip()] = np.array([float(word) for word in numbers])
    short = (camera or "2").lstrip("0") or "0"
    long = short.zfill(2)
    tree: dict[str, Any] = {}
    if f"K_{long}" in rows:  # raw, not rectified
        tree = {
            "K": rows[f"K_{long}"].reshape(3, 3),
            "D": rows.get(f"D_{long}", np.zeros(5)),
            "S": rows.get(f"S_{long}"),
        }
        if f"R_{long}" in rows and f"T_{long}" in rows:
            tree["camera0_to_camera"] = np.column_stack([rows[f"R_{long}"].reshape(3, 3), rows[f"T_{long}"]])
    elif f"P{short}" in rows:
        projection = rows[f"P{short}"].reshape(3, 4)
        tree = {"K": projection[:, :3]}
        to_lidar = rows.get("Tr_velo_to_cam", rows.get("Tr"))
        if to_lidar is not None and len(to_lidar) == 12:
            rectify = np.eye(4)
            if "R0_rect" in rows or "R_rect" in rows:
                rectify[:3, :3] = rows.get("R0_rect", rows.get("R_rect")).reshape(3, 3)  # type: ignore[union-attr]
            chain = rectify @ np.vstack([to_lidar.reshape(3, 4), [0, 0, 0, 1]])
            chain[:3, 3] += np.linalg.solve(projection[:, :3], projection[:, 3])
            tree["extrinsics"] = chain[:3]
    return {name: value for name, value in tree.items() if value is not None}


# --- judging ----------------------------------------------------------------------------------------------------------


def _first(tree: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((tree[name] for name in names if name in tree and tree[name] is not None), None)


def _array(value: Any) -> Floats | None:
    """Numbers of a matrix in any of its forms; None where it is none."""
    shape = None
    if isinstance(value, dict):
        if "data" not in value:
            return None
        if "rows" in value and "cols" in value:
            shape = int(value["rows"]), int(value["cols"])
        value = value["data"]
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None
    if array.dtype != np.float64 or not np.isfinite(array).all():
        return None
    return array.reshape(shape) if shape is not None and array.size == shape[0] * shape[1] else array


def _matrix(value: Any, path: Path) -> Floats | None:
    """(3, 3) intrinsics."""
    array = _array(value)
    if array is None:
        return None
    if array.size == 4 and array.ndim == 1:  # Kalibr: fu, fv, pu, pv
        fx, fy, cx, cy = array
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    if array.size == 9:
        array = array.reshape(3, 3)
    if array.shape in ((3, 4), (4, 4)):
        array = array[:3, :3]
    if array.shape != (3, 3) or array[0, 0] <= 1 or array[1, 1] <= 1 or abs(array[2, 2] - 1) > 1e-6:
        raise CalibrationError(f"{path}: the intrinsics are no camera matrix: {array.tolist()}")
    return array


def _size(tree: dict[str, Any]) -> tuple[int | None, int | None]:
    width, height = _first(tree, WIDTH), _first(tree, HEIGHT)
    size = _array(_first(tree, SIZE))
    if (width is None or height is None) and size is not None and size.size == 2:
        width, height = size.ravel()
    try:
        return (None, None) if width is None or height is None else (int(width), int(height))
    except (TypeError, ValueError):
        return None, None


def _lens(tree: dict[str, Any], path: Path) -> tuple[LensKind, tuple[float, ...]]:
    array = _array(_first(tree, DISTORTION))
    words = {str(tree[name]).lower() for name in MODEL if name in tree}
    is_fisheye = bool(words & FISHEYE) or str(tree.get("fisheye_model", "0")) in ("1", "1.0", "true")
    values = () if array is None else tuple(float(value) for value in array.ravel())
    if is_fisheye:
        if len(values) not in NUMBERS["fisheye"]:
            raise CalibrationError(f"{path}: a fisheye has 4 coefficients, this one {len(values)}")
        return "fisheye", values
    while len(values) > 8 and values[-1] == 0.0:
        values = values[:-1]  # thin prism and tilt of OpenCV's longest models
    if len(values) in (1, 2, 3):
        values = (*values[:2], *(0.0,) * (2 - len(values[:2])), 0.0, 0.0, *values[2:])  # radial ones only
    if 5 < len(values) < 8:
        values = (*values, *(0.0,) * (8 - len(values)))
    if len(values) not in NUMBERS["radial_tangential"]:
        raise CalibrationError(
            f"{path}: {len(values)} coefficients of distortion; 4, 5 or 8 are known (thin prism and tilt are not)"
        )
    return "radial_tangential", values if any(values) else ()


def _pose(tree: dict[str, Any], wanted: str, path: Path) -> tuple[Floats | None, str]:
    wanted, _, convention = wanted.partition("=")
    if wanted:
        if wanted not in tree:
            raise CalibrationError(
                f"{path}: there is no {wanted!r}; matrices found: {', '.join(_rigid_names(tree)) or 'none'}"
            )
        return _read_pose(wanted, tree[wanted], path, convention)
    for name in EXTRINSICS:
        if name in tree and _as_rigid(tree[name]) is not None:
            return _read_pose(name, tree[name], path)
    rotation, translation = _array(_first(tree, ROTATION)), _array(_first(tree, TRANSLATION))
    if rotation is not None and translation is not None and translation.size == 3 and rotation.size in (3, 9):
        axes = np.asarray(cv2.Rodrigues(rotation.ravel())[0]) if rotation.size == 3 else rotation.reshape(3, 3)
        return _read_pose("rotation and translation", np.column_stack([axes, translation.ravel()]), path)
    return None, ""


def _rigid_names(tree: dict[str, Any]) -> Iterator[str]:
    return (name for name, value in tree.items() if _as_rigid(value) is not None or _as_projection(value) is not None)


def _as_rigid(value: Any) -> Floats | None:
    """(3, 4) where it is a rotation with a translation."""
    array = _array(value)
    if array is None or array.size not in (12, 16):
        return None
    array = array.reshape(-1, 4)[:3]
    axes = array[:, :3]
    is_rotation = np.abs(axes @ axes.T - np.eye(3)).max() < 0.02 and np.linalg.det(axes) > 0.9
    return array if is_rotation else None


def _as_projection(value: Any) -> Floats | None:
    """(3, 4) where it can be a camera's projection, other than of a rectified pair."""
    array = _array(value)
    if array is None or array.size != 12:
        return None
    array = array.reshape(3, 4)
    is_one = abs(np.linalg.det(array[:, :3])) > 1e-9 and np.abs(array[2, :2]).max() > 0.05 * np.abs(array[2, 2])
    return array if is_one and _as_rigid(value) is None else None


def _read_pose(name: str, value: Any, path: Path, convention: str = "") -> tuple[Floats, str]:
    """Pose from a matrix whose convention is told by which one puts a camera where cameras are: above ground, level, not looking up."""
    projection = _as_projection(value)
    if projection is not None:
        sign = np.sign(np.linalg.det(projection[:, :3]))
        intrinsics, axes = _decomposed(sign * projection[:, :3])
        place = np.asarray(-np.linalg.solve(projection[:, :3], projection[:, 3]), np.float64)
        pose = pose_of(axes, place)
        if not _is_level(pose):
            raise CalibrationError(
                f"{path}: {name}: its frame is not level: the camera would be rolled by {math.degrees(pose[5]):.0f} degrees"
            )
        return pose, f"{name}, taken apart into intrinsics (focal length {intrinsics[0, 0]:.0f} px) and pose"
    rigid = _as_rigid(value)
    if rigid is None:
        raise CalibrationError(f"{path}: {name} is neither a rigid transformation nor a projection")
    axes, shift = rigid[:, :3], rigid[:, 3]
    readings: dict[str, tuple[Floats, Floats]] = {
        f"{name}, camera from map": (axes, -axes.T @ shift),
        f"{name}, map from camera": (axes.T, shift),
        f"{name}, body from map (body: x forward, z up)": (BODY_FROM_CAMERA.T @ axes, -axes.T @ shift),
        f"{name}, map from body (body: x forward, z up)": (BODY_FROM_CAMERA.T @ axes.T, shift),
    }
    if convention:
        chosen = {how.split(", ", 1)[1].split(" (")[0].replace(" ", "_"): how for how in readings}
        if convention not in chosen:
            raise CalibrationError(f"--extrinsics {name}={convention}: expected one of {', '.join(chosen)}")
        readings = {chosen[convention]: readings[chosen[convention]]}
    likely = sorted(
        (
            (_oddness(pose), how, pose)
            for how, (one, place) in readings.items()
            if _is_level(pose := pose_of(one, place))
        ),
        key=lambda one: one[0],
    )
    if not likely:
        raise CalibrationError(
            f"{path}: {name}: no convention makes this a camera that stands upright and looks ahead or down"
        )
    if len(likely) > 1 and likely[1][0] - likely[0][0] < 1.0:
        ways = ", ".join(f"{name}={how.split(', ', 1)[1].split(' (')[0].replace(' ', '_')}" for _, how, _ in likely)
        raise CalibrationError(
            f"{path}: {name} can be read in several ways; say which with --extrinsics, one of {ways}"
        )
    return likely[0][2], likely[0][1]


def _oddness(pose: Floats) -> float:
    """How unlike a camera on a mast: rolled, looking up, under the ground or in the sky."""
    return float(
        abs(pose[5]) / math.radians(12.0) + 1.5 * (not 1.0 < pose[2] < 60.0) + max(0.0, pose[4] / math.radians(5.0))
    )


def _is_level(pose: Floats) -> bool:
    return bool(abs(pose[5]) < TURNED_RAD and math.radians(-88) < pose[4] < math.radians(15))


def _decomposed(matrix: Floats) -> tuple[Floats, Floats]:
    """Upper triangular intrinsics and rotation (R. Hartley, A. Zisserman, "Multiple View Geometry" (2004), section 6.2.4)."""
    flipped = np.flipud(matrix).T
    q, r = np.linalg.qr(flipped)
    intrinsics, axes = np.fliplr(np.flipud(r.T)), np.flipud(q.T)
    signs = np.diag(np.sign(np.diag(intrinsics)))
    intrinsics, axes = intrinsics @ signs, signs @ axes
    return intrinsics / intrinsics[2, 2], axes
