"""Errors of calibrating.

::

    LukouError
      CalibrationError    the input cannot be used, or does not determine the camera
"""

from __future__ import annotations

from lukou_messages.errors import LukouError


class CalibrationError(LukouError):
    """What is given cannot be read, or does not determine the camera; says what to do."""
