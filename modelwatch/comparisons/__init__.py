"""Distances between two distributions, and how likely chance alone makes them. No I/O.

One algorithm a module, named after it. The package itself imports none of them: a service that
reads a baseline needs the records of a few, and not the rest.
"""
