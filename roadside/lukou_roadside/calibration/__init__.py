"""Calibration of cameras without a survey: from map points, from lane lines, from the tracks of vehicles, from files of others."""
