"""What a watch knows of a model's features and outputs at one time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwatch.capture.checks import RowCheck, compile_check
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.outputs import OutputReader

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["CapturePlan"]


class CapturePlan:
    """How rows are read, checked and mapped, from a baseline or from the first row.

    Immutable; a watch replaces it as a whole, and each captured row refers to the one it was read
    by. Thread-safe.

    Attributes:
        baseline: the baseline, or None.
        reader: reads rows.
        check: checks a row inline.
        outputs: maps results on outputs.
        size: how many features a row has.
        values_of: reads the values of a dict that has all features.

    Args:
        baseline: names, orders and limits the features.
        names: the features in order, where there is no baseline; empty while none is known.
        declared: what the watch was told of its inputs.

    Raises:
        ConfigurationError: where baseline and declaration do not go together.
    """

    __slots__ = ("baseline", "check", "outputs", "reader", "size", "values_of")

    def __init__(
        self,
        baseline: Baseline | None,
        names: Sequence[str] = (),
        declared: DeclaredInputs | None = None,
    ) -> None:
        self.baseline = baseline
        self.reader = (declared or DeclaredInputs()).reader(baseline, names)
        limits = (
            {name: baseline.features[name].limits for name in baseline.inputs}
            if baseline is not None
            else {}
        )
        self.check: RowCheck = compile_check(limits)
        self.outputs = OutputReader(baseline)
        self.size = self.reader.size
        self.values_of = self.reader.values_of

    @property
    def baseline_id(self) -> str | None:
        """The baseline's id, or None."""
        return self.baseline.id if self.baseline is not None else None
