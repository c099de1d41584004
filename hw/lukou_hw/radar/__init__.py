"""Radars: one protocol, one reading, one file per driver.

===============  ==========================================================
driver           reads
===============  ==========================================================
`radar.udp`      datagrams of Lukou's documented layout (`datagram`)
===============  ==========================================================
"""

from lukou_hw.radar.reading import Radar, RadarScan

__all__ = ["Radar", "RadarScan"]
