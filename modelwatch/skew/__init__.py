"""Training-serving skew, row by row: served features against those that training recomputes.

>>> from modelwatch.skew import audit
>>> served = {"id": [1, 2, 3, 4, 5, 6], "km": [1.6, 3.2, 4.8, 6.4, 8.0, 9.6]}
>>> recomputed = {"id": [1, 2, 3, 4, 5, 6], "km": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
>>> report = audit(served, recomputed)
>>> report.features["km"].kinds[0].text
'served is 1.6 times recomputed'
"""

from modelwatch.skew.auditing import audit
from modelwatch.skew.join import OneSide
from modelwatch.skew.kinds import KindName, SkewKind
from modelwatch.skew.report import Example, FeatureSkew, SkewReport
from modelwatch.skew.tolerance import Tolerance

__all__ = [
    "Example",
    "FeatureSkew",
    "KindName",
    "OneSide",
    "SkewKind",
    "SkewReport",
    "Tolerance",
    "audit",
]
