"""Indicators of a city, of its archive or of a recording.

records (reading.py) → sums per place and period (indicators.py) → table, JSON, CSV (verb.py)
"""
