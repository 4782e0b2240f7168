"""What a watch knows of a model's features and outputs at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from modelwatch.capture.checks import (
    RowCheck,
    RowReading,
    compile_check,
    compile_reader,
    with_distance,
)
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.outputs import OutputReader
from modelwatch.capture.packed_rows import Kept, RowLayout
from modelwatch.outliers import OutlierLimits
from modelwatch.telemetry.steering import FeatureLimits

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = ["CapturePlan"]

_NUMBERS: Final = count()


class CapturePlan:
    """How rows are read, checked and mapped, from a baseline or from the first row.

    Immutable; a watch replaces it as a whole, and each captured row refers to the one it was read
    by. Thread-safe.

    Attributes:
        number: of this plan alone in the process; stands for it in captured rows.
        baseline: the baseline, or None.
        reader: reads rows.
        check: checks a row inline.
        read: reads and checks the usual row; returns None for any other.
        outputs: maps results on outputs.
        size: how many features a row has.
        layout: how usual rows are packed; None where they are kept as tuples.

    Args:
        baseline: names, orders and limits the features.
        names: the features in order, where there is no baseline; empty while none is known.
        limits: limits of some features, in place of the baseline's.
        declared: what the watch was told of its inputs.

    Raises:
        ConfigurationError: where baseline and declaration do not go together.
    """

    __slots__ = (
        "_plain_kind",
        "baseline",
        "check",
        "layout",
        "limits",
        "number",
        "outputs",
        "read",
        "reader",
        "size",
    )

    def __init__(
        self,
        baseline: Baseline | None,
        names: Sequence[str] = (),
        *,
        limits: Mapping[str, FeatureLimits] | None = None,
        declared: DeclaredInputs | None = None,
    ) -> None:
        self.number = next(_NUMBERS)
        self.baseline = baseline
        self.reader = (declared or DeclaredInputs()).reader(baseline, names)
        self.limits: dict[str, OutlierLimits] = {}
        if baseline is not None:
            self.limits = {
                name: _limited(baseline.features[name].limits, (limits or {}).get(name))
                for name in baseline.inputs
            }
        self.check: RowCheck = compile_check(self.limits)
        self.size = self.reader.size
        further: RowCheck | None = None
        if baseline is not None and baseline.distance is not None:
            places = [self.reader.names.index(name) for name in baseline.distance.names]
            self.check = with_distance(self.check, baseline.distance, places)
            further = with_distance(_objects_to_nothing, baseline.distance, places)
        self.layout = RowLayout(self.limits) if self.limits else None
        self.read: RowReading = compile_reader(
            self.size, self.limits, self.reader.values_of, layout=self.layout, further=further
        )
        # The class of models that came last, where all their fields are attributes: what is known
        # of it need not be asked at each call.
        self._plain_kind: type[Any] | None = None
        self.outputs = OutputReader(baseline)

    def read_usual(self, features: object) -> Kept | None:
        """Read and check a usual row: a dict, pydantic model or dataclass with the features alone.

        Returns:
            Its values; None where it is none, or has an outlier.
        """
        kind = type(features)
        if kind is dict:
            return self.read(features)
        if kind is self._plain_kind:
            return self.read(features.__dict__)
        fields = _own_fields(features)
        if fields is None:
            return None
        if getattr(features, "__pydantic_extra__", None) is None:
            self._plain_kind = kind
        return self.read(fields)

    @property
    def baseline_id(self) -> str | None:
        """The baseline's id, or None."""
        return self.baseline.id if self.baseline is not None else None


def _own_fields(value: object) -> dict[str, Any] | None:
    """Return the dict in which a pydantic model or dataclass keeps its fields, where it does."""
    kind = type(value)
    if hasattr(kind, "__pydantic_fields__"):
        is_extended = bool(getattr(value, "__pydantic_extra__", None))
    elif hasattr(kind, "__dataclass_fields__"):
        is_extended = False
    else:
        return None
    return None if is_extended else getattr(value, "__dict__", None)


def _objects_to_nothing(values: Sequence[Any]) -> None:
    pass


def _limited(limits: OutlierLimits, steered: FeatureLimits | None) -> OutlierLimits:
    if steered is None or limits.kind == "categorical":
        return limits
    return replace(
        limits,
        lower=limits.lower if steered.lower is None else steered.lower,
        upper=limits.upper if steered.upper is None else steered.upper,
    )
