from __future__ import annotations

# What runs as a process of its own is not to run when its doctests are looked for.
collect_ignore = ["untouched"]
