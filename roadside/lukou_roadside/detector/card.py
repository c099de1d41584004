"""Detector cards: what a model file is and how it wants its pictures. See ``docs/detector.md``.

::

    Exception
      ValueError
        CardError      the card cannot be used; carries every problem
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lukou_messages.v1.objects_pb2 import ObjectClass

Kind = Literal["lukou_centre", "yolox", "yolov5", "yolov8", "gfl", "end_to_end", "detr"]


class CardError(ValueError):
    """A card that cannot be used.

    Attributes
    ----------
    problems : list of str
        One line each: where, what was expected, what was found.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Label(BaseModel):
    """One output class of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="the model's own word", min_length=1, max_length=40)
    object_class: str = Field(description="kind of road user: CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE, PEDESTRIAN, …")

    @field_validator("object_class")
    @classmethod
    def _exists(cls, value: str) -> str:
        names = [key.removeprefix("OBJECT_CLASS_") for key, _ in ObjectClass.items()]
        if value not in names:
            raise ValueError(f"{value} is no kind of road user; expected one of {', '.join(names[1:])}")
        return value

    @property
    def number(self) -> int:
        """Value of `ObjectClass`."""
        return int(ObjectClass.Value(f"OBJECT_CLASS_{self.object_class}"))


class Card(BaseModel):
    """One model and how to use it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="name of the detector", min_length=1, max_length=80)
    kind: Kind = Field(description="adapter: form of the model's output")
    model: Path = Field(description="ONNX file, relative to the card")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="SHA-256 of the model; refused if another")
    width_px: int = Field(ge=32, le=4096, description="width of the model's picture [px]")
    height_px: int = Field(ge=32, le=4096, description="height of the model's picture [px]")
    letterbox: Literal["stretch", "top_left", "centre"] = Field("stretch", description="how another format is fitted")
    pad_value: int = Field(114, ge=0, le=255, description="brightness of what a letterbox adds")
    layout: Literal["nchw", "nhwc"] = Field("nchw", description="order of the input's axes: channels first or last")
    dtype: Literal["float32", "uint8"] = Field(
        "float32", description="type of the input's numbers; with uint8 the model takes the picture's bytes as they are"
    )
    colour_order: Literal["bgr", "rgb"] = Field("bgr", description="order of the model's channels")
    mean: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="subtracted, in blue, green, red of 0..255")
    scale: float | tuple[float, float, float] = Field(
        1.0, description="factor after the mean, one or in blue, green, red (1 / standard deviation)"
    )
    outputs: tuple[str, ...] = Field((), description="outputs to use, in this order; none: all")
    activation: Literal["none", "sigmoid", "softmax"] = Field(
        "none", description="what turns scores into probabilities, if the model does not"
    )
    bins: int = Field(8, ge=2, le=64, description="kind gfl: bins of a distance distribution (reg_max + 1)")
    cell_offset: float = Field(0.5, ge=0, le=1, description="kind gfl: where a cell's reference point lies in it")
    columns: tuple[str, ...] = Field(
        ("x1", "y1", "x2", "y2", "score", "label"), description="kind end_to_end: columns of the model's table"
    )
    target_size_order: Literal["wh", "hw"] = Field(
        "wh", description="kind detr: order in which the model wants the picture's size (orig_target_sizes)"
    )
    tiles: tuple[tuple[float, float, float, float], ...] = Field(
        (), description="parts looked at once more, enlarged: left, top, right, bottom as shares of the picture"
    )
    merge_riders: bool = Field(False, description="a person on a two-wheeler becomes one road user with it")
    strides_px: tuple[int, ...] = Field((4,), min_length=1, description="size of an output cell per level [px]")
    min_score: float = Field(0.3, gt=0, lt=1, description="lower scores are dropped")
    suppression_overlap: float = Field(
        0.6, gt=0, le=1, description="of two boxes of a class that overlap more, one stays"
    )
    suppression_overlap_any: float = Field(0.8, gt=0, le=1, description="the same between classes")
    provider: str = Field(
        "CPUExecutionProvider", description="ONNX Runtime's execution provider, for example CUDAExecutionProvider"
    )
    threads: int = Field(
        1, ge=1, le=64, description="threads of one picture; more than 1 pays only on a box of its own"
    )
    most: int = Field(200, ge=1, le=2000, description="detections kept per picture")
    labels: dict[int, Label] = Field(description="output classes that count, by index", min_length=1)
    licence: str = Field("", description="licence of the model")
    description: str = Field("", description="for people")

    @field_validator("scale")
    @classmethod
    def _positive(cls, value: float | tuple[float, float, float]) -> float | tuple[float, float, float]:
        if min(value if isinstance(value, tuple) else (value,)) <= 0:
            raise ValueError(f"must be above 0, found {value}")
        return value

    @field_validator("tiles")
    @classmethod
    def _inside(cls, value: tuple[tuple[float, float, float, float], ...]) -> object:
        for left, top, right, bottom in value:
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError(f"expected left < right and top < bottom, all 0..1, found {left, top, right, bottom}")
        return value

    @field_validator("columns")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        missing = {"x1", "y1", "x2", "y2", "score", "label"} - set(value)
        if missing or len(set(value)) != len(value):
            raise ValueError(f"must name x1, y1, x2, y2, score and label once each, others as you like; found {value}")
        return value

    @model_validator(mode="after")
    def _levels(self) -> Card:
        if self.kind == "lukou_centre" and len(self.strides_px) != 1:
            raise ValueError(f"strides_px: kind lukou_centre has one level, found {len(self.strides_px)}")
        if self.dtype == "uint8" and (self.mean != (0.0, 0.0, 0.0) or self.scale != 1.0):
            raise ValueError("mean, scale: a model that takes uint8 is given the bytes as they are; leave them out")
        if self.kind == "yolox" and (self.width_px % max(self.strides_px) or self.height_px % max(self.strides_px)):
            raise ValueError(f"width_px, height_px: must be multiples of {max(self.strides_px)}")
        return self


def read_card(path: Path) -> Card:
    """Read and check a card and that its model is the one it names.

    Raises
    ------
    CardError
        With every problem found.
    """
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise CardError([f"{path}: there is no such card; see docs/detector.md"]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError([f"{path}: {error}"]) from None
    try:
        card = Card.model_validate(content)
    except ValidationError as error:
        raise CardError(
            [f"{path.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        ) from None
    model = card.model if card.model.is_absolute() else path.parent / card.model
    if not model.is_file():
        raise CardError([f"{path.name}: model: {model} does not exist"])
    if card.sha256 is not None:
        found = hashlib.sha256(model.read_bytes()).hexdigest()
        if found != card.sha256:
            raise CardError([f"{path.name}: sha256: the model is another file: expected {card.sha256}, found {found}"])
    return card.model_copy(update={"model": model})
