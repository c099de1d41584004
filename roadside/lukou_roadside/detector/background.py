"""What a camera sees where nobody is: detections in which the picture still shows the empty street are false alarms.

The empty street is the median of pictures taken over some minutes, each pixel with its usual scatter (median absolute
deviation; Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993). It knows nothing of the detector and serves
any. Where a scene has changed since (light, shadows, a camera that was moved) it says nothing, so that no road user is lost by it.

::

    Exception
      ValueError
        BackgroundError      a file that is none, or pictures of which no background can be made
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32] | NDArray[np.float64]

WIDEST_PX = 640
"""Backgrounds are kept and compared at this width at most. [px]"""
LEAST_PICTURES = 12
MOST_PICTURES = 90
"""More are thinned out: the median gains nothing."""
SCATTERS = 4.0
"""Usual scatters that a pixel must differ by in some colour to count as changed."""
DIFFERENCES = (6.0, 16.0)
"""Least and greatest such difference. What differs by more than 16 levels is never taken for background, however restless it is."""
BLUR_PX = 3
"""Pictures are smoothed over squares of this size: noise counts a third, road users as much as before. [px]"""
STEADY_SHARE = 0.6
"""A pixel that shows the median less often is no evidence: queues stand there."""
MOST_BACKGROUNDS = 8
LEAST_CHANGED = 0.2
"""Share of a box's pixels that must have changed for a road user to be in it. On rendered streets never seen no road user of some
2,700 that were found by day changed less, and one in 2,500 by night would have at 0.3."""


class BackgroundError(ValueError):
    """No background can be read or made; the message says why and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Empty streets of one camera, for example by day and by night.

    Attributes
    ----------
    median : (k, h, w, 3) uint8 array
        Pictures of the empty street, smoothed.
    threshold : (k, h, w) uint8 array
        Difference in any colour from which on a pixel has changed; 255 where it is no evidence. [0..255]
    width_px, height_px : int
        Size of the camera's pictures. [px]
    """

    median: Bytes
    threshold: Bytes
    width_px: int
    height_px: int

    def changed(self, picture: NDArray[np.uint8], x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> Floats:
        """(n,) Share of the pixels of boxes that differ from every known empty street; 1 where nothing is known.

        Parameters
        ----------
        picture : (h, w, 3) uint8 array
            Blue, green, red.
        x1, y1, x2, y2 : (n,) float array
            Boxes. [px]
        """
        count = len(x1)
        if count == 0 or picture.shape[:2] != (self.height_px, self.width_px):
            return np.ones(count)
        height, width = self.median.shape[1:3]
        smooth = _smooth(picture, width, height)
        scale_x, scale_y = width / self.width_px, height / self.height_px
        left = np.clip(np.floor(np.asarray(x1, np.float64) * scale_x), 0, width - 1).astype(np.int64)
        top = np.clip(np.floor(np.asarray(y1, np.float64) * scale_y), 0, height - 1).astype(np.int64)
        right = np.clip(np.ceil(np.asarray(x2, np.float64) * scale_x).astype(np.int64), left + 1, width)
        bottom = np.clip(np.ceil(np.asarray(y2, np.float64) * scale_y).astype(np.int64), top + 1, height)
        area = (right - left) * (bottom - top)
        least = np.ones(count)
        for median, threshold in zip(self.median, self.threshold, strict=True):
            sums = cv2.integral(_differs(smooth, median, threshold))
            inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
            least = np.minimum(least, inside / area)
        return np.asarray(least)

    def is_on_background(
        self, picture: NDArray[np.uint8], x1: Floats, y1: Floats, x2: Floats, y2: Floats
    ) -> NDArray[np.bool_]:
        """(n,) Which boxes show the empty street; parameters as in `changed`."""
        return self.changed(picture, x1, y1, x2, y2) < LEAST_CHANGED

    def joined(self, other: Background) -> Background:
        """Both, the later ones first.

        Raises
        ------
        BackgroundError
            They are of pictures of different sizes.
        """
        if (self.width_px, self.height_px) != (other.width_px, other.height_px):
            raise BackgroundError(
                f"pictures of {self.width_px} x {self.height_px} and of {other.width_px} x {other.height_px} px cannot be of one camera; make a new file"
            )
        median = np.concatenate([self.median, other.median])[:MOST_BACKGROUNDS]
        threshold = np.concatenate([self.threshold, other.threshold])[:MOST_BACKGROUNDS]
        return Background(median, threshold, self.width_px, self.height_px)

    def save(self, path: Path) -> None:
        """Write it to a file."""
        held = io.BytesIO()
        size = np.array([self.width_px, self.height_px])
        np.savez_compressed(held, median=self.median, threshold=self.threshold, size=size)
        path.write_bytes(held.getvalue())


def read_background(path: Path) -> Background:
    """Read a file of `lukou adapt`.

    Raises
    ------
    BackgroundError
        There is none, or it is something else.
    """
    remedy = "make one with `lukou adapt PICTURE|VIDEO… --out FILE`"
    if not path.is_file():
        raise BackgroundError(f"{path}: there is no such file; {remedy}")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            median, threshold, size = held["median"], held["threshold"], held["size"]
    except Exception as error:
        raise BackgroundError(f"{path}: no background ({str(error)[:80]}); {remedy}") from None
    fits = median.ndim == 4 and median.shape == (*threshold.shape, 3) and size.shape == (2,) and median.size > 0
    if not fits or median.dtype != np.uint8 or threshold.dtype != np.uint8 or min(size) < 1:
        raise BackgroundError(f"{path}: no background (its arrays have other shapes); {remedy}")
    return Background(median, threshold, int(size[0]), int(size[1]))


class BackgroundMaker:
    """Takes pictures of one camera, spread over some minutes, and gives the empty street; keeps a bounded number of them."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._kept: list[Bytes] = []
        self._every = 1
        self.taken = 0

    def add(self, picture: Bytes) -> None:
        """Take one picture: (h, w, 3), blue, green, red.

        Raises
        ------
        BackgroundError
            It is of another size than those before.
        """
        size = picture.shape[1], picture.shape[0]
        if self._size is None:
            self._size = size
        if size != self._size:
            before = "{} x {}".format(*self._size)
            raise BackgroundError(
                f"a picture of {size[0]} x {size[1]} px after such of {before} px is not of the same camera; give pictures of one"
            )
        if self.taken % self._every == 0:
            width = min(size[0], WIDEST_PX)
            self._kept.append(_smooth(picture, width, max(1, round(size[1] * width / size[0]))))
            if len(self._kept) >= 2 * MOST_PICTURES:
                self._kept, self._every = self._kept[::2], 2 * self._every
        self.taken += 1

    def make(self) -> Background:
        """The empty street; in more than half of the pictures each place should have been empty.

        Raises
        ------
        BackgroundError
            The pictures are too few.
        """
        if self._size is None or len(self._kept) < LEAST_PICTURES:
            raise BackgroundError(
                f"{len(self._kept)} pictures are too few for a median; give {LEAST_PICTURES} or more, spread over some minutes"
            )
        stack = np.stack(self._kept)
        median = np.median(stack, axis=0).astype(np.uint8)
        away = np.stack([_difference(one, median) for one in stack])
        # a quarter of the differences: those of noise even where nearly half of the pictures show traffic; 0.3186 by the normal law
        scatter = np.quantile(away, 0.25, axis=0) / 0.3186
        threshold = np.clip(SCATTERS * scatter, *DIFFERENCES)
        is_steady = (away < threshold).mean(axis=0) >= STEADY_SHARE
        limits = np.where(is_steady, threshold, 255).astype(np.uint8)
        return Background(median[None], limits[None], *self._size)


def _smooth(picture: Bytes, width: int, height: int) -> Bytes:
    if picture.shape[:2] != (height, width):
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.blur(picture, (BLUR_PX, BLUR_PX)), dtype=np.uint8)


def _difference(smooth: Bytes, median: Bytes) -> Bytes:
    """Greatest difference over the colours, apart from a brightness that is common to the whole picture."""
    gain = float(np.median(smooth[::8, ::8])) / max(1.0, float(np.median(median[::8, ::8])))
    blue, green, red = cv2.split(cv2.absdiff(smooth, cv2.convertScaleAbs(median, alpha=gain)))
    return np.asarray(cv2.max(cv2.max(blue, green), red), dtype=np.uint8)


def _differs(smooth: Bytes, median: Bytes, threshold: Bytes) -> Bytes:
    """1 where a pixel has changed or is no evidence."""
    changed = cv2.compare(_difference(smooth, median), threshold, cv2.CMP_GE)
    unsure = cv2.compare(threshold, 255.0, cv2.CMP_EQ)
    return np.asarray(cv2.bitwise_or(changed, unsure) & 1, dtype=np.uint8)
