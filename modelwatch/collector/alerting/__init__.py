"""What is told of findings that hold: alerts, their states, and who hears of them."""

from __future__ import annotations
