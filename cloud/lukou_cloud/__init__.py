"""Lukou in the cloud: edge warnings, regional signal timing, the city centre and its page."""
