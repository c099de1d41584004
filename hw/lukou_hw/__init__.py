"""Lukou's hardware: cameras, radars, signal controllers and clocks behind one Protocol per kind."""
