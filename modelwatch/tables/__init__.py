"""Tables of any kind in, columns of numbers or categories out: frames, mappings, rows and files."""
