"""``lukou calibrate``: cameras without a survey."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.errors import LukouError
from lukou_messages.report import FAILED, WRONG_USAGE, print_json
from lukou_roadside.calibration import report
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.start import numbers_of, read_camera, size_of, start_camera
from lukou_roadside.perception.settings import CameraSettings

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Calibrate cameras without a survey; see docs/calibration.md."
)

CameraFile = Annotated[
    Path | None, typer.Option("--camera", help="TOML with the camera so far: lens, size, maybe a rough pose")
]
Name = Annotated[str, typer.Option("--name", help="name of the camera")]
Size = Annotated[
    str, typer.Option("--size", help="size of the picture, for example 1920x1080, where no picture is given")
]
Focal = Annotated[float | None, typer.Option("--focal", min=1.0, help="focal length where it is known [px]")]
MapFile = Annotated[Path | None, typer.Option("--map", help="map; without it points need z and nothing is drawn")]
PictureFile = Annotated[Path | None, typer.Option("--picture", help="picture or video of the street")]
Out = Annotated[Path | None, typer.Option("--out", help="where the camera goes, as a section of a site file (TOML)")]
Report = Annotated[Path | None, typer.Option("--report", help="where the report goes (JSON)")]
Drawing = Annotated[
    Path | None, typer.Option("--drawing", help="where the picture with the map and the residuals goes")
]
Json = Annotated[bool, typer.Option("--json", help="the report as one JSON object on stdout")]


@app.command()
def points(
    pairs_file: Annotated[
        Path, typer.Argument(help="CSV u,v,x,y[,z][,name]: pixels and map points", metavar="PAIRS.csv")
    ],
    camera_file: CameraFile = None,
    name: Name = "",
    size: Size = "",
    focal: Focal = None,
    map_file: MapFile = None,
    picture: PictureFile = None,
    solve_distortion: Annotated[
        bool, typer.Option("--solve-distortion", help="solve for the first radial coefficient")
    ] = False,
    pixel_deviation: Annotated[float, typer.Option("--pixel-deviation", min=0.1, help="of a clicked point [px]")] = 2.0,
    map_deviation: Annotated[float, typer.Option("--map-deviation", min=0.0, help="of a point of the map [m]")] = 0.1,
    out: Out = None,
    report_file: Report = None,
    drawing: Drawing = None,
    as_json: Json = False,
) -> None:
    """Pose and focal length from points known in picture and map; wrong points are found and left out."""
    from lukou_roadside.calibration.points import PairNoise, from_points, left_out_errors_m, read_pairs

    with _errors():
        begun = _begin(camera_file, name, size, focal, map_file, picture)
        pairs = begun.with_heights(read_pairs(pairs_file))
        noise = PairNoise(pixel_deviation, map_deviation)
        found = from_points(
            pairs, begun.start, is_focal_known=begun.is_focal_known, solve_distortion=solve_distortion, noise=noise
        )
        camera = begun.camera(found.vector)
        figures = {"method": "points", **report.solution_figures(begun.start, found, float(np.median(pairs.z_m)))}
        left_out = left_out_errors_m(pairs, begun.start, found, noise)
        figures |= report.pair_figures(camera, pairs, found, left_out)
        figures["warnings"] = _point_warnings(figures, len(pairs))
        begun.finish(figures, camera, (out, report_file, drawing, as_json), pairs, found.weights)


@app.command()
def lines(
    street: Annotated[
        Path,
        typer.Argument(
            help="picture of the street, or a video or folder whose median is taken", metavar="PICTURE|VIDEO"
        ),
    ],
    map_file: Annotated[Path, typer.Option("--map", help="map with lanes")],
    near: Annotated[str, typer.Option("--near", help="rough place of the camera: x,y[,z] in the map frame [m]")] = "",
    toward: Annotated[str, typer.Option("--toward", help="x,y of a place in the middle of the picture")] = "",
    place: Annotated[float, typer.Option("--place", min=0.5, max=8.0, help="how far the place may be off [m]")] = 4.0,
    turn: Annotated[
        float, typer.Option("--turn", min=1.0, max=60.0, help="how far the direction may be off [degrees]")
    ] = 20.0,
    camera_file: CameraFile = None,
    name: Name = "",
    focal: Focal = None,
    out: Out = None,
    report_file: Report = None,
    drawing: Drawing = None,
    as_json: Json = False,
) -> None:
    """Pose and focal length from vanishing points and lane lines of a picture; takes a rough place and direction."""
    from lukou_roadside.calibration.lines import Rough, from_lines

    with _errors():
        begun = _begin(camera_file, name, "", focal, map_file, street)
        rough = Rough(place, 3.0, math.radians(turn), begun.is_focal_known)
        start = begun.placed(near, toward)
        assert begun.model is not None and begun.picture is not None
        print("looking for the camera …", file=sys.stderr)
        fit = from_lines(begun.picture, begun.model, start, rough)
        camera = begun.camera(fit.solution.vector)
        figures = {"method": "lines", **report.solution_figures(start, fit.solution, begun.ground_z_m())}
        figures |= {"found_share": round(fit.found_share, 3), "vanishing_share": round(fit.vanishing_share, 3)}
        figures["is_ambiguous"] = fit.rival is not None
        figures["warnings"] = _line_warnings(fit.found_share, fit.rival)
        begun.finish(figures, camera, (out, report_file, drawing, as_json))


@app.command()
def tracks(
    tracks_file: Annotated[
        Path, typer.Argument(help="CSV t,id,u,v: ground points of vehicles", metavar="TRACKS.csv|VIDEO")
    ],
    camera_file: Annotated[
        Path, typer.Option("--camera", help="TOML with a camera that is right to a metre and degrees")
    ],
    map_file: MapFile = None,
    name: Name = "",
    place: Annotated[
        float, typer.Option("--place", min=0.01, help="standard deviation of the start's place [m]")
    ] = 1.0,
    turn: Annotated[
        float, typer.Option("--turn", min=0.01, help="standard deviation of the start's angles [degrees]")
    ] = 1.5,
    focal_share: Annotated[float, typer.Option("--focal-share", min=0.0, help="of the start's focal length")] = 0.02,
    detector: Annotated[Path | None, typer.Option("--model", help="card of the detector, for a video")] = None,
    picture: PictureFile = None,
    out: Out = None,
    report_file: Report = None,
    drawing: Drawing = None,
    as_json: Json = False,
) -> None:
    """Refine a camera from where vehicles drive."""
    from lukou_roadside.calibration.vehicle_tracks import Trust, from_tracks, read_tracks

    with _errors():
        is_table = tracks_file.suffix.lower() in (".csv", ".txt")
        begun = _begin(camera_file, name, "", None, map_file, picture if is_table else picture or tracks_file)
        model = begun.model
        if model is None:
            raise CalibrationError("tracks need a map; give --map")
        if is_table:
            seen = read_tracks(tracks_file)
        else:
            from lukou_roadside.calibration.video_tracks import tracks_of

            seen = tracks_of(tracks_file, begun.start, detector)
        fit = from_tracks(seen, model, begun.start, Trust(place, 0.4 * place, math.radians(turn), focal_share))
        camera = begun.camera(fit.solution.vector)
        figures = {"method": "tracks", **report.solution_figures(begun.start, fit.solution, begun.ground_z_m())}
        figures |= {"passes": fit.passes, "before_m": round(fit.before_m, 3), "after_m": round(fit.after_m, 3)}
        figures["warnings"] = (
            [] if fit.after_m <= fit.before_m else ["vehicles follow lanes no better than before: keep the start"]
        )
        begun.finish(figures, camera, (out, report_file, drawing, as_json))


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="OpenCV, ROS camera_info, Kalibr, KITTI, or JSON with named matrices")],
    which: Annotated[
        str, typer.Option("--which", help="camera of a file with several: cam1 (Kalibr), 02 (KITTI)")
    ] = "",
    extrinsics: Annotated[str, typer.Option("--extrinsics", help="name of the matrix that holds the pose")] = "",
    frame: Annotated[
        str, typer.Option("--frame", help="x,y,z,degrees: where the file's frame lies in the map's")
    ] = "0,0,0,0",
    name: Name = "camera",
    size: Size = "",
    map_file: MapFile = None,
    picture: PictureFile = None,
    out: Out = None,
    report_file: Report = None,
    drawing: Drawing = None,
    as_json: Json = False,
) -> None:
    """A calibration file of others as a camera of a site file."""
    from lukou_roadside.calibration.importing import read_calibration

    with _errors():
        told = read_calibration(file, which, extrinsics)
        values: dict[str, Any] = {"name": name, "lens": told.lens, "distortion": told.distortion}
        for key in ("width_px", "height_px", "focal_x_px", "focal_y_px", "centre_x_px", "centre_y_px"):
            if getattr(told, key) is not None:
                values[key] = getattr(told, key)
        if told.pose is not None:
            x, y, z, turn = numbers_of(frame, "--frame", 4, 4)
            cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            values |= {
                "x_m": x + cos * told.pose[0] - sin * told.pose[1],
                "y_m": y + sin * told.pose[0] + cos * told.pose[1],
            }
            values |= {
                "z_m": z + told.pose[2],
                "azimuth_rad": math.remainder(told.pose[3] + math.radians(turn), math.tau),
            }
            values |= {"pitch_rad": told.pose[4], "roll_rad": told.pose[5]}
        begun = _begin(None, name, size, None, map_file, picture, values)
        figures: dict[str, Any] = {"method": "import", "camera": report.camera_figures(begun.start)}
        figures |= {
            "has_pose": told.pose is not None,
            "pose_read_as": told.how or None,
            "matrices": list(told.matrices),
        }
        figures["warnings"] = [] if told.pose is not None else [_no_pose(told.matrices)]
        begun.finish(figures, begun.start, (out, report_file, drawing, as_json), has_pose=told.pose is not None)


@app.command()
def check(
    camera_file: Annotated[Path, typer.Argument(help="site file or TOML with the camera")],
    street: Annotated[Path, typer.Option("--picture", help="picture or video of the street as it is now")],
    map_file: MapFile = None,
    name: Name = "",
    pairs_file: Annotated[Path | None, typer.Option("--pairs", help="CSV u,v,x,y[,z][,name] to compare with")] = None,
    report_file: Report = None,
    drawing: Drawing = None,
    as_json: Json = False,
) -> None:
    """How well a camera still fits its street: share of lane lines found, offset of the picture, residuals. Exit 1 where it has moved."""
    from lukou_roadside.calibration.points import read_pairs
    from lukou_roadside.calibration.watch import MOVED_RAD, MountingWatch

    with _errors():
        begun = _begin(camera_file, name, "", None, map_file, street)
        if begun.model is None or begun.picture is None:
            raise CalibrationError("give --map: the site file names none")
        told = MountingWatch(begun.start, begun.model).judged(begun.picture)
        figures: dict[str, Any] = {"method": "check", "camera": report.camera_figures(begun.start), **told.figures()}
        pairs = None
        if pairs_file is not None:
            pairs = begun.with_heights(read_pairs(pairs_file))
            even = report.even_solution(len(pairs))
            figures |= report.pair_figures(begun.start, pairs, even, None)
        figures["limit_degrees"] = round(math.degrees(MOVED_RAD), 2)
        figures["warnings"] = [told.words] if told.words else []
        begun.finish(figures, begun.start, (None, report_file, drawing, as_json), pairs)
        if told.has_moved:
            raise typer.Exit(FAILED)


@app.command()
def page(
    picture: Annotated[Path, typer.Option("--picture", help="picture or video of the street")],
    map_file: Annotated[Path, typer.Option("--map", help="map")],
    out: Annotated[Path, typer.Option("--out", help="where the page goes (HTML)")],
    near: Annotated[
        str, typer.Option("--near", help="x,y of the middle of the map shown; default: its busiest junction")
    ] = "",
) -> None:
    """A page (one file, no network) on which map points are clicked in picture and map, and saved as PAIRS.csv."""
    from lukou_roadside.calibration.clicking import make_page
    from lukou_roadside.calibration.pictures import read_picture

    with _errors():
        place = numbers_of(near, "--near", 2, 2) if near else None
        text = make_page(read_picture(picture), load_map(map_file), None if place is None else (place[0], place[1]))
        _write(out, text)
        print(
            f"open {out} in a browser, click pairs, save them, then: lukou calibrate points pairs.csv --picture {picture}",
            file=sys.stderr,
        )


# --- what all of them share -------------------------------------------------------------------------------------------


class _Begun:
    """Camera, map and picture to begin with."""

    def __init__(self, start: CameraSettings, is_focal_known: bool, model: RoadModel | None, picture: Any) -> None:
        self.start, self.is_focal_known, self.model, self.picture = start, is_focal_known, model, picture

    def camera(self, vector: Any) -> CameraSettings:
        from lukou_roadside.calibration.parameters import camera_at

        return camera_at(self.start, vector)

    def ground_z_m(self) -> float:
        return float(np.median(self.model.lanes.z_m)) if self.model is not None and len(self.model.lanes.z_m) else 0.0

    def with_heights(self, pairs: Any) -> Any:
        """Points without z get the height of the map, or 0."""
        from dataclasses import replace

        from lukou_roadside.calibration.ground import heights

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
        where: tuple[Path | None, Path | None, Path | None, bool],
        pairs: Any = None,
        weights: Any = None,
        has_pose: bool = True,
    ) -> None:
        """Write and print what was asked for."""
        out, report_file, drawing, as_json = where
        if "deviation" in figures:
            camera = camera.model_copy(update={"angle_deviation_rad": figures["camera"]["angle_deviation_rad"]})
        if out is not None:
            _write(out, report.as_toml(camera, has_pose))
        if report_file is not None:
            _write(report_file, json.dumps(figures, indent=1))
        if drawing is not None:
            if self.picture is None:
                raise CalibrationError("there is no picture to draw on; give --picture")
            from lukou_roadside.calibration.lane_lines import lane_lines

            shown = None if self.model is None else lane_lines(self.model, (camera.x_m, camera.y_m))
            drawn = report.draw(self.picture, camera, shown, pairs, weights)
            if not cv2.imwrite(str(drawing), drawn):
                raise CalibrationError(f"cannot write {drawing}; give a name that ends in .png or .jpg")
        if as_json:
            print_json(figures)
        else:
            print(report.in_words(figures))


def _begin(
    camera_file: Path | None,
    name: str,
    size: str,
    focal: float | None,
    map_file: Path | None,
    picture: Path | None,
    values: dict[str, Any] | None = None,
) -> _Begun:
    from lukou_roadside.calibration.pictures import read_picture

    values = dict(values or {})
    if camera_file is not None:
        values, named_map = read_camera(camera_file, name)
        map_file = map_file or named_map
    elif name:
        values["name"] = name
    if focal is not None:
        values["focal_x_px"] = focal
    image = None if picture is None else read_picture(picture)
    told = (image.shape[1], image.shape[0]) if image is not None else size_of(size) if size else None
    model = load_map(map_file) if map_file is not None else None
    return _Begun(start_camera(values, told), "focal_x_px" in values, model, image)


def _point_warnings(figures: dict[str, Any], count: int) -> list[str]:
    words = []
    left_out = count - figures["used"]
    if left_out:
        words.append(f"{left_out} of {count} points disagree with the others and were left out")
    if count < 8:
        words.append("fewer than 8 points: wrong ones can hardly be told from right ones")
    told = figures["ground_deviation_m"].get("40")
    if told is not None and told > 1.0:
        words.append(
            f"at 40 m the expected error is {told:.1f} m: add points far away and at the sides, or give the focal length"
        )
    return words


def _line_warnings(share: float, rival: Any) -> list[str]:
    words = []
    if share < 0.6:
        words.append(f"only {share:.0%} of the map's lines lie on edges: look at the drawing before you trust this")
    if rival is not None:
        words.append(
            f"another place fits nearly as well (x {rival[0]:.1f}, y {rival[1]:.1f}): look at the drawing, or give a nearer --near"
        )
    return words


def _no_pose(matrices: tuple[str, ...]) -> str:
    found = (
        f"name one with --extrinsics: {', '.join(matrices)}"
        if matrices
        else "continue with `lukou calibrate points --camera`"
    )
    return f"the file's pose was not read; {found}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{path}: {error.strerror}") from None


class _errors:
    """Our own errors as one sentence and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, LukouError):
            print(f"lukou calibrate: {error}", file=sys.stderr)
            raise typer.Exit(WRONG_USAGE)
