"""Tracking in the textbook's nouns, as array code: one row per track, no object per road user.

============== ==================================================================
scan           what one sensor saw at one instant
sweeps         what several radars saw at about the same time
tracks         state of everything that is followed
predictor      motion between scans
visibility     probability that a sensor detects what is there
gater          how well detection and track agree
associator     which detection belongs to which track
updater        what a detection changes
initiator      when something new begins
deleter        when something ends
tracker        all of them in order, for one scan
event_time     scans in order of measurement, whatever the order of arrival
============== ==================================================================
"""
