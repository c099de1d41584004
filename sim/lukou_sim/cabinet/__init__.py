"""Simulated signal cabinets: the sequencer (`core`), and servers that speak real protocols to it."""
