"""Predictions whose truth became known: their rows, and what these come to. No I/O."""
