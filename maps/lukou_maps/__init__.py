"""Lukou's maps: road model, importers, matching, conflict areas, signal configuration."""
