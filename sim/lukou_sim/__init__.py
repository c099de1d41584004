"""Lukou simulated: streets, cameras, radars, controllers, scenarios, faults and truth."""
