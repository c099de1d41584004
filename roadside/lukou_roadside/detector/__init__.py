"""Finding road users in pictures: a card says what a model is, an adapter per kind of model runs it."""

from __future__ import annotations

from pathlib import Path

from lukou_roadside.detector.card import Card, CardError, read_card
from lukou_roadside.detector.detections import PictureDetections
from lukou_roadside.detector.detector import Detector

SHIPPED_CARD = Path(__file__).parent / "models" / "lukou_centre_640x384.toml"

__all__ = ["SHIPPED_CARD", "Card", "CardError", "Detector", "PictureDetections", "load_detector", "read_card"]


def load_detector(card: str | Path | None = None) -> Detector:
    """The detector that a card describes; without a card the one that is shipped.

    Raises
    ------
    CardError
        With all problems of the card at once, or because its model is missing or another file.
    """
    return Detector(read_card(Path(card) if card else SHIPPED_CARD))
