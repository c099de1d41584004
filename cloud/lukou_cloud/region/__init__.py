"""Regional cloud: what the traffic of a district is, and how its signals are timed."""
