"""Everything in one process on the simulation's clock: as fast as it goes, and the same every time."""
