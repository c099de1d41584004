"""The signal process: the guard, its shell, published signal states, the proof."""
