"""Predictions and labels: kept, joined by id, and summed up."""
