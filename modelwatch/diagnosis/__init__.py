"""The probable cause of a feature's drift, from two summaries, with its evidence.

Each cause is a hypothesis of what was done to the values. It is undone, and what is left of the
difference is measured; it is named where most of the difference goes away and little is left,
which plain drift does not bring about.
"""

from modelwatch.diagnosis.cause import Aspect, Cause, CauseName
from modelwatch.diagnosis.probable import diagnose, explain, probable_cause
from modelwatch.diagnosis.swapping import swapped_columns

__all__ = [
    "Aspect",
    "Cause",
    "CauseName",
    "diagnose",
    "explain",
    "probable_cause",
    "swapped_columns",
]
