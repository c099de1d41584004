"""The district that every scenario plays in: its plan, its net, its demand, its fixed plan, and the scripts that make them."""

from pathlib import Path

FOLDER = Path(__file__).parent
NET = FOLDER / "district.net.xml"
