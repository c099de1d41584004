"""``lukou bench calibration``: cameras of known pose are rendered over maps, `lukou calibrate` finds them again, and both are compared.

The calibrating is done by the command itself (found by entry point, called with files), so what is measured is what a user gets.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_maps.geometry import LaneGeometry
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, Participants, RoadModel
from lukou_sim.render.camera import CameraModel, look
from lukou_sim.render.district_plan import street_plan
from lukou_sim.render.street import Look, background, ground_texture

Floats = NDArray[np.float64]

METHODS = ("points", "points_focal_known", "lines", "lines_focal_known", "tracks", "start_of_tracks")
DISTANCES_M = (20.0, 40.0, 60.0)
WIDTH, HEIGHT = 1280, 768
MARGIN = 1.45
"""Bent pictures are cut out of ideal ones larger by this."""

CLICKS, WRONG_CLICKS, CLICK_PX, MAP_M = 10, 1, 2.0, 0.1
"""Points clicked, of them in a wrong place by 100 px and more; standard deviations of the others. [px, m]"""

ROUGH_M, ROUGH_RAD = 2.5, math.radians(11.0)
"""How far the start for `lines` is off at most, along each axis. [m, rad]"""

START_DEVIATIONS = (0.7, 0.7, 0.3, math.radians(1.0), math.radians(1.0), math.radians(0.4), 0.015)
"""Of the start for `tracks`: place, height, azimuth, pitch, roll, focal length. [m, m, m, rad, rad, rad, 1]"""

VEHICLES = 60


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One true camera: an ideal one and its distortion (k1, k2)."""

    ideal: CameraModel
    azimuth_rad: float
    pitch_rad: float
    roll_rad: float
    distortion: tuple[float, float]

    def pixels(self, points: Floats) -> tuple[Floats, Floats]:
        """(n, 2) pixels of map points, and their depths."""
        centred = (points - self.ideal.position_map) @ self.ideal.camera_from_map[:, :3].T
        depth = np.where(np.abs(centred[:, 2]) < 1e-6, 1e-6, centred[:, 2])
        x, y = centred[:, 0] / depth, centred[:, 1] / depth
        factor = 1.0 + (x * x + y * y) * (self.distortion[0] + (x * x + y * y) * self.distortion[1])
        focal = self.ideal.focal_px
        return np.column_stack([x * factor * focal + WIDTH / 2, y * factor * focal + HEIGHT / 2]), centred[:, 2]

    def ahead(self) -> Floats:
        """(3, 3) Ground points straight ahead."""
        x, y, _ = self.ideal.position_map
        d = np.array(DISTANCES_M)
        return np.column_stack([x + d * math.cos(self.azimuth_rad), y + d * math.sin(self.azimuth_rad), np.zeros(3)])

    def toml(self, **change: float) -> str:
        """Section of a site file with what is known of it."""
        told: dict[str, Any] = {"name": "mast", "width_px": WIDTH, "height_px": HEIGHT}
        if any(self.distortion):
            told["distortion"] = [*self.distortion, 0.0, 0.0]
        told |= change
        return "[[perception.cameras]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in told.items())


def measure(maps: list[Path], cameras: int, seed: int, progress: Callable[[float], None]) -> dict[str, Any]:
    """Errors of every method.

    Parameters
    ----------
    maps : list of Path
        SUMO nets; cameras are spread over their signalised junctions.
    cameras : int
        Cameras per map.
    seed : int
        Of everything random.
    progress : callable
        Told the share done.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(maps):
        model = load_map(path)
        for k, view, picture in _scenes(path, model, cameras, rng):
            for method, done in _calibrated(path, model, view, picture, rng):
                rows.append({"map": path.stem, "camera": k, "method": method, **done})
            progress((number + (k + 1) / cameras) / len(maps))
    return {
        "maps": [path.stem for path in maps],
        "cameras": cameras * len(maps),
        "methods": _summary(rows),
        "rows": rows,
    }


def lines(figures: dict[str, Any]) -> list[str]:
    """The summary as a table."""
    head = f"{'method':<20}{'found':>7}{'flagged':>9}" + "".join(
        f"{f'{d:.0f} m: median / p90':>22}" for d in DISTANCES_M
    )
    table = [head + f"{'place':>8}{'angles':>9}{'focal':>8}{'honest':>8}"]
    for method, one in figures["methods"].items():
        cells = [
            f"{_word(one[f'ground_{d:.0f}_m']['median'], 2)} / {_word(one[f'ground_{d:.0f}_m']['p90'], 2)} m"
            for d in DISTANCES_M
        ]
        table.append(
            f"{method:<20}{one['found']:>7.0%}{one['flagged']:>9.0%}" + "".join(f"{cell:>22}" for cell in cells)
            + f"{_word(one['place_m'], 2):>8}{_word(one['angle_deg'], 2):>9}{_word(one['focal_share'], 3):>8}{_word(one['within_2_deviations'], 2):>8}"
        )  # fmt: skip
    return table


def _word(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


# --- scenes -----------------------------------------------------------------------------------------------------------


def _scenes(path: Path, model: RoadModel, count: int, rng: np.random.Generator) -> Iterator[tuple[int, View, Any]]:
    junctions = model.junctions
    chosen = np.flatnonzero(junctions.is_signalised)
    chosen = chosen if len(chosen) else np.arange(len(junctions))
    each = max(1, math.ceil(count / min(len(chosen), 3)))
    for k in range(count):
        if k % each == 0:
            j = int(rng.choice(chosen))
            centre = float(junctions.x_m[j]), float(junctions.y_m[j])
            plan = street_plan(path, centre)
            texture = ground_texture(plan, Look(), np.random.default_rng(k))
        view = _view(plan.paths, centre, rng)
        wide = background(plan, view.ideal, Look(), int(rng.integers(1 << 30)), texture)
        yield k, view, _bent(wide, view)


def _view(paths: list[Any], centre: tuple[float, float], rng: np.random.Generator) -> View:
    """A mast near a lane that looks at the junction, pitched down."""
    lanes = [path for kind, path in paths if kind == "vehicle"]
    lane = lanes[rng.integers(len(lanes))]
    distance, height = rng.uniform(16, 40), rng.uniform(6, 11)
    near = int(np.argmin(np.abs(np.hypot(*(lane - np.array(centre)).T) - distance)))
    x, y = lane[near] + rng.normal(0, 3, 2)
    if math.hypot(x - centre[0], y - centre[1]) < 14:
        turn = rng.uniform(-math.pi, math.pi)
        x, y = centre[0] + distance * math.cos(turn), centre[1] + distance * math.sin(turn)
    target = np.array(centre) + rng.normal(0, 6, 2)
    azimuth = math.atan2(target[1] - y, target[0] - x)
    pitch, roll = -math.radians(rng.uniform(11, 26)), float(rng.normal(0, 0.012))
    focal = float(rng.uniform(0.6, 1.1)) * WIDTH
    distortion = (float(rng.uniform(-0.25, -0.05)), 0.03) if rng.random() < 0.5 else (0.0, 0.0)
    share = MARGIN if any(distortion) else 1.0
    ideal = look(
        "mast",
        (x, y, height),
        azimuth,
        pitch,
        focal_px=focal,
        width=int(WIDTH * share),
        height=int(HEIGHT * share),
        roll_rad=roll,
    )
    return View(ideal, azimuth, pitch, roll, distortion)


def _bent(wide: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """The picture through the lens."""
    if not any(view.distortion):
        return wide
    focal = view.ideal.focal_px
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64) + 0.5
    points = np.column_stack([u.ravel(), v.ravel()])
    matrix = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1.0]])
    plain = cv2.undistortPoints(points[:, None], matrix, np.array([*view.distortion, 0.0, 0.0]))[:, 0]
    column = (plain[:, 0] * focal + view.ideal.width / 2 - 0.5).reshape(u.shape).astype(np.float32)
    row = (plain[:, 1] * focal + view.ideal.height / 2 - 0.5).reshape(u.shape).astype(np.float32)
    return np.asarray(cv2.remap(wide, column, row, cv2.INTER_LINEAR), np.uint8)


# --- calibrating ------------------------------------------------------------------------------------------------------


def _calibrated(
    path: Path, model: RoadModel, view: View, picture: NDArray[np.uint8], rng: np.random.Generator
) -> Iterator[tuple[str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory(prefix="lukou-calibration-") as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "street.png"), picture)
        focal = {"focal_x_px": view.ideal.focal_px}
        (folder / "lens.toml").write_text(view.toml())
        (folder / "camera.toml").write_text(view.toml(**focal))
        _write_clicks(folder / "pairs.csv", view, model, rng)
        x, y, z = view.ideal.position_map
        off = rng.uniform(-1, 1, 3) * [ROUGH_M, ROUGH_M, ROUGH_RAD]
        near = [x + off[0], y + off[1]]
        toward = [
            near[0] + 40 * math.cos(view.azimuth_rad + off[2]),
            near[1] + 40 * math.sin(view.azimuth_rad + off[2]),
        ]
        rough = ["--map", path, "--near", ",".join(map(str, near)), "--toward", ",".join(map(str, toward))]
        start = rng.normal(0, 1, 7) * START_DEVIATIONS
        told = {
            "x_m": x + start[0],
            "y_m": y + start[1],
            "z_m": z + start[2],
            "azimuth_rad": view.azimuth_rad + start[3],
        }
        told |= {
            "pitch_rad": view.pitch_rad + start[4],
            "roll_rad": view.roll_rad + start[5],
            "focal_x_px": view.ideal.focal_px * (1 + start[6]),
        }
        (folder / "start.toml").write_text(view.toml(**told))
        _write_tracks(folder / "tracks.csv", view, model, rng)
        pairs, street, tracks = (folder / one for one in ("pairs.csv", "street.png", "tracks.csv"))
        yield "points", _run(view, folder, ["points", pairs, "--camera", folder / "lens.toml"])
        yield "points_focal_known", _run(view, folder, ["points", pairs, "--camera", folder / "camera.toml"])
        yield "lines", _run(view, folder, ["lines", street, *rough, "--camera", folder / "lens.toml"])
        yield "lines_focal_known", _run(view, folder, ["lines", street, *rough, "--camera", folder / "camera.toml"])
        yield "tracks", _run(view, folder, ["tracks", tracks, "--map", path, "--camera", folder / "start.toml"])
        yield "start_of_tracks", _compared(view, tomllib.loads((folder / "start.toml").read_text()), {})


def _run(view: View, folder: Path, words: list[Any]) -> dict[str, Any]:
    """Call ``lukou calibrate`` and compare what it wrote with the truth."""
    out, report = folder / "out.toml", folder / "report.json"
    out.unlink(missing_ok=True)
    import typer

    command = typer.main.get_command(next(iter(entry_points(group="lukou.verbs", name="calibrate"))).load())
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        command.main(args=[str(word) for word in [*words, "--out", out, "--report", report]], standalone_mode=False)
    if not out.exists():
        return {"found": False, "why": said.getvalue().strip()[-200:]}
    return _compared(view, tomllib.loads(out.read_text()), json.loads(report.read_text()))


def _compared(view: View, site: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    got = site["perception"]["cameras"][0]
    place = np.array([got["x_m"], got["y_m"], got["z_m"]])
    ahead = view.ahead()
    pixels, _ = view.pixels(ahead)
    ground = _on_ground(got, pixels)
    error = np.hypot(*(ground - ahead[:, :2]).T)
    shown = (pixels[:, 1] > 0) & (pixels[:, 1] < HEIGHT)
    turn = [math.remainder(got["azimuth_rad"] - view.azimuth_rad, math.tau), got["pitch_rad"] - view.pitch_rad]
    told = figures.get("ground_deviation_m", {})
    row: dict[str, Any] = {
        "found": True,
        "flagged": bool(figures.get("is_ambiguous", False)),
        "place_m": float(np.linalg.norm(place - view.ideal.position_map)),
        "angle_deg": math.degrees(math.hypot(*turn)),
        "roll_deg": math.degrees(got["roll_rad"] - view.roll_rad),
        "focal_share": abs(got["focal_x_px"] / view.ideal.focal_px - 1.0),
    }
    for k, distance in enumerate(DISTANCES_M):
        name = f"{distance:.0f}"
        row[f"ground_{name}_m"] = float(error[k]) if shown[k] else None
        row[f"told_{name}_m"] = told.get(name)
    return row


def _on_ground(camera: dict[str, Any], pixels: Floats) -> Floats:
    """Where a camera of a site file lays pixels on the plane z = 0."""
    focal_x, focal_y = camera["focal_x_px"], camera.get("focal_y_px", camera["focal_x_px"])
    centre = camera.get("centre_x_px", WIDTH / 2), camera.get("centre_y_px", HEIGHT / 2)
    matrix = np.array([[focal_x, 0, centre[0]], [0, focal_y, centre[1]], [0, 0, 1.0]])
    distortion = np.array(camera.get("distortion", [0.0] * 4))
    plain = cv2.undistortPoints(pixels[:, None], matrix, distortion)[:, 0]
    place = camera["x_m"], camera["y_m"], camera["z_m"]
    axes = look(
        "", place, camera["azimuth_rad"], camera["pitch_rad"], focal_px=1.0, roll_rad=camera["roll_rad"]
    ).camera_from_map[:, :3]
    rays = np.column_stack([plain, np.ones(len(plain))]) @ axes
    scale = np.where(rays[:, 2] < -1e-4, -camera["z_m"] / rays[:, 2], np.nan)
    return np.asarray(np.array(place[:2]) + scale[:, None] * rays[:, :2])


def _write_clicks(path: Path, view: View, model: RoadModel, rng: np.random.Generator) -> None:
    """Corners of lanes and ends of stop lines within 70 m, clicked with errors."""
    lanes, stops = model.lanes, model.stop_lines
    geometry = LaneGeometry(lanes)
    roads = np.flatnonzero(lanes.kind == LaneKind.ROAD)
    corners = [
        np.column_stack(geometry.boundary(roads, lanes.length_m[roads] * share, side))
        for share in (0, 1)
        for side in (0, 1)
    ]
    corners += [np.column_stack([stops.left_x_m, stops.left_y_m]), np.column_stack([stops.right_x_m, stops.right_y_m])]
    every = np.unique(np.round(np.vstack(corners), 2), axis=0)
    points = np.column_stack([every, np.zeros(len(every))])
    pixels, depth = view.pixels(points)
    seen = (depth > 3) & (np.hypot(*(every - view.ideal.position_map[:2]).T) < 70)
    seen &= (pixels > 8).all(axis=1) & (pixels[:, 0] < WIDTH - 8) & (pixels[:, 1] < HEIGHT - 8)
    rows = rng.permutation(np.flatnonzero(seen))[:CLICKS]
    clicked = pixels[rows] + rng.normal(0, CLICK_PX, (len(rows), 2))
    clicked[:WRONG_CLICKS] += rng.choice([-1, 1], (min(len(rows), WRONG_CLICKS), 2)) * rng.uniform(100, 200)
    known = every[rows] + rng.normal(0, MAP_M, (len(rows), 2))
    _write(path, ("u", "v", "x", "y", "z"), np.column_stack([clicked, known, np.zeros(len(rows))]))


def _write_tracks(path: Path, view: View, model: RoadModel, rng: np.random.Generator) -> None:
    """Vehicles along lanes and over junctions, each somewhat beside the middle, every 0.2 s."""
    lanes, geometry = model.lanes, LaneGeometry(model.lanes)
    last = lanes.point_start[1:] - 1
    near = np.hypot(lanes.x_m[last] - view.ideal.position_map[0], lanes.y_m[last] - view.ideal.position_map[1]) < 80
    fit = (lanes.kind == LaneKind.ROAD) & ((lanes.participants & int(Participants.CAR)) > 0) & (lanes.length_m > 10)
    rows: list[tuple[float, float, float, float]] = []
    for vehicle in range(VEHICLES):
        lane, aside, speed, t = int(rng.choice(np.flatnonzero(fit & near))), rng.normal(0, 0.3), rng.uniform(5, 14), 0.0
        s = max(0.0, float(lanes.length_m[lane]) - 80.0)
        for _ in range(4):
            along = np.arange(s, lanes.length_m[lane], speed * 0.2)
            x, y, heading = geometry.pose(np.full(len(along), lane), along)
            ground = np.column_stack([x - np.sin(heading) * aside, y + np.cos(heading) * aside, np.zeros(len(along))])
            pixels, depth = view.pixels(ground)
            pixels = pixels + rng.normal(0, 2.0, pixels.shape)
            inside = (depth > 2) & (pixels > 0).all(axis=1) & (pixels[:, 0] < WIDTH) & (pixels[:, 1] < HEIGHT)
            rows += [(t + 0.2 * k, float(vehicle), *pixels[k]) for k in np.flatnonzero(inside)]
            t += 0.2 * len(along)
            following = lanes.successors[lane]
            if len(following) == 0:
                break
            lane, s = int(rng.choice(following)), 0.0
    _write(path, ("t", "id", "u", "v"), np.array(rows).reshape(-1, 4))


def _write(path: Path, names: tuple[str, ...], rows: Floats) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([[f"{value:.4f}" for value in row] for row in rows])


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for method in METHODS:
        mine = [row for row in rows if row["method"] == method]
        good = [row for row in mine if row["found"]]
        one: dict[str, Any] = {
            "found": len(good) / max(1, len(mine)),
            "flagged": sum(row["flagged"] for row in good) / max(1, len(good)),
        }
        for distance in DISTANCES_M:
            errors = [row[f"ground_{distance:.0f}_m"] for row in good]
            known = np.array([error for error in errors if error is not None and math.isfinite(error)])
            one[f"ground_{distance:.0f}_m"] = _spread(known)
        for name in ("place_m", "angle_deg", "focal_share"):
            one[name] = float(np.median([row[name] for row in good])) if good else None
        pairs = [(row[f"ground_{d:.0f}_m"], row[f"told_{d:.0f}_m"]) for row in good for d in DISTANCES_M]
        both = [(error, deviation) for error, deviation in pairs if error is not None and deviation]
        # two standard deviations of a length of two components hold 95 % where both are alike, 98 % where one dominates
        one["within_2_deviations"] = (
            sum(error < 2.0 * deviation for error, deviation in both) / len(both) if both else None
        )
        told[method] = one
    return told


def _spread(values: Floats) -> dict[str, float | None]:
    if len(values) == 0:
        return {"median": None, "p90": None}
    return {"median": float(np.median(values)), "p90": float(np.percentile(values, 90))}
