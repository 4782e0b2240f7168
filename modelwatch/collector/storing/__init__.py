"""What is kept: profiles, baselines, evaluations, in one SQLite file."""

from __future__ import annotations
