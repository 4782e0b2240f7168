"""What must hold for an estimate made without labels: to be shown beside the number."""

from __future__ import annotations

from typing import Final

__all__ = ["CBPE_CONDITIONS", "DLE_CONDITIONS"]

CBPE_CONDITIONS: Final = (
    "Estimated without labels, from the scores alone. It holds while the model's scores, calibrated"
    " on the baseline, still are the probability of the class: inputs may have drifted to where the"
    " baseline had rows, but the mapping from inputs to truth must be unchanged (no concept drift)."
    " The band covers the chance of the labels and of the calibration, not a breach of that."
)

DLE_CONDITIONS: Final = (
    "Estimated without labels, from the inputs alone. It holds while the size of the model's errors"
    " still depends on the inputs as in the baseline: inputs may have drifted to where the baseline"
    " had rows, but the mapping from inputs to truth must be unchanged (no concept drift)."
    " The band covers the chance of the labels and of the fit, not a breach of that."
)
