"""The search over stage sequences: the junction as states, the model of traffic, and the beam, as machine code."""
