"""Memory that reading a large map has used and freed goes back to the system."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Return freed memory to the system.

    The C library keeps what was freed in pieces for later use: after reading 50,000 lanes that is 30 MB (malloc_trim(3), glibc). Without
    that function nothing happens.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
