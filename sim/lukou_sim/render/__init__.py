"""Pictures of the simulated streets: cameras, shapes of road users, street backgrounds, and the renderer."""

from lukou_sim.render.camera import CameraModel
from lukou_sim.render.renderer import Labels, Renderer, Scene
from lukou_sim.render.weather import Weather

__all__ = ["CameraModel", "Labels", "Renderer", "Scene", "Weather"]
