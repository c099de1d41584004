"""What the tests of the signal process share."""

from __future__ import annotations

from pathlib import Path

import pytest

import lukou_maps
from lukou_maps.signal_configuration import SignalConfiguration, load

EXAMPLE = Path(lukou_maps.__file__).parent / "signal_example.json"


@pytest.fixture(scope="session")
def configuration() -> SignalConfiguration:
    return load(EXAMPLE)
