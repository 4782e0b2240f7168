"""Versions of a model beside each other while they serve, and what should be done with them."""
