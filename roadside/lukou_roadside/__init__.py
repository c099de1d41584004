"""Lukou at the roadside: perception and the signal agent with its guard."""
