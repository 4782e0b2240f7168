"""Reports of a comparison, and how they are shown."""
