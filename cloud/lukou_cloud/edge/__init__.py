"""Edge cloud: one list of road users from several intersections, and warnings of collisions.

============== ==================================================================
road_users     what is followed, as columns
lights         what the signals show and when it ends, per connection of the map
ways           what the map says along each lane path
approach       the line with signals ahead: who has to stop, can and will
priority       who waits for whom
motion         how far everyone gets
prediction     where everyone may go, with probabilities
conflicts      who would meet whom, with uncertainty
yielding       whether somebody gives way
dangers        contacts, rear-end dangers, red lights about to be run
rules          wrong way, standing, speeding, queue ends
encounters     what became of those who were to meet: near misses, experience
episodes       from moments of danger to warnings with onset, repetition, release
judge          all of these in one step, live and on recordings
core           the process's core
explain        one warning as text and picture
============== ==================================================================
"""
