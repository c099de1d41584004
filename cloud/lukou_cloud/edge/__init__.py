"""Edge cloud: one list of road users from several intersections, and warnings of collisions.

============== ==================================================================
road_users     what is followed, as columns
fusion         lists of several roadside units into one
lights         what the signals show, per connection of the map
prediction     where everyone may go: lane paths, speed limits, signals, leaders
conflicts      who would meet whom, and who can still yield
dangers        the two together, and red lights about to be run
episodes       from moments of danger to warnings with onset, repetition, release
core           the process's core
============== ==================================================================
"""
