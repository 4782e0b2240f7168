"""What is judged: windows against baselines, on a schedule and on demand."""

from __future__ import annotations
