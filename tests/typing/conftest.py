from __future__ import annotations

# Read by the type checker alone: importing it would make a watch that watches nothing.
collect_ignore = ["decorated.py"]
