"""Watched calls: which features they had, what they returned, and how that gets to profiles."""
