"""Central cloud: the city's picture, archive and figures."""
