"""Labels of predictions, read from what clients send and from files."""
