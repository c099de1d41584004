"""Perception: detect, project to the map, track and fuse into one list of road users."""
