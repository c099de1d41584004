"""Cameras: one protocol, one reading, one file per driver.

==================  ===============================================
driver              reads
==================  ===============================================
`camera.file`       a folder of pictures or a video file
`camera.rtsp`       a network camera, or anything OpenCV can open
`camera.usb`        a camera at this machine's USB (Video4Linux)
`camera.simulated`  rendered frames of the simulated world (in sim)
==================  ===============================================
"""

from lukou_hw.camera.reading import NO_PICTURE, Camera, CameraFrame, CameraHealth

__all__ = ["NO_PICTURE", "Camera", "CameraFrame", "CameraHealth"]
