"""``python -m lukou_sim.district``: make the district anew: net, signal configurations with the optimised plan, metadata."""

from __future__ import annotations

import hashlib
import json

from lukou_sim.district import FOLDER, fixed_plan, net
from lukou_sim.district.layout import ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG, UTM_ZONE


def main() -> None:
    """Make all files; equal sources give equal files."""
    net.build(FOLDER)
    fixed_plan.write()
    made = [FOLDER / "district.net.xml", FOLDER / "demand.json", *sorted(FOLDER.glob("k?.signal.json"))]
    metadata = {
        "what": "Lukou's own district: a SUMO net of four signalised intersections, its demand and its signal plans",
        "how": "python -m lukou_sim.district (plain XML from lukou_sim.district.layout, netconvert of SUMO 1.28, Webster's plan)",
        "licence": "Apache-2.0",
        "reference_system": f"WGS-84, UTM zone {UTM_ZONE} north, shifted to {ORIGIN_LATITUDE_DEG}, {ORIGIN_LONGITUDE_DEG}",
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in made},
    }
    (FOLDER / "metadata.json").write_text(json.dumps(metadata, indent=2) + "\n")


if __name__ == "__main__":
    main()
