"""Concept drift: same inputs, other answers. Since when, from what to what, and where. No I/O."""
