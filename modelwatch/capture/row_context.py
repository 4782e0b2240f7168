"""What belongs to a row beside its features: an id of its own, and its segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwatch.capture.fields_apart import without_columns, without_fields
from modelwatch.capture.known_tables import Ids
from modelwatch.capture.options import SegmentOf
from modelwatch.capture.outcome_values import outcome_value, row_id, row_ids
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.recorder import Recorder
from modelwatch.capture.rows import Batch, Row
from modelwatch.tables.columns import category_key

__all__ = ["RowContext", "ids_for"]


class RowContext:
    """Finds the own id and the segment of rows. Thread-safe.

    Args:
        prediction_id: the field or feature that holds the row's own id; None where none does.
        segment: of rows; None where they have none.
    """

    def __init__(self, prediction_id: str | None = None, segment: SegmentOf | None = None) -> None:
        self._prediction_id = prediction_id
        self._segment = segment
        fields = (prediction_id, segment if isinstance(segment, str) else None)
        self._fields = tuple(name for name in fields if name is not None)
        self.names_rows = prediction_id is not None
        self.is_empty = prediction_id is None and segment is None
        # Until some row has a field of that name, the segment is taken for a text of its own.
        self._has_segment_field = False

    def read(
        self, recorder: Recorder, plan: CapturePlan, features: object
    ) -> tuple[CapturePlan, Row | Batch, dict[str, Any]]:
        """Read a call's features, and apart from them what is no feature.

        Returns:
            The plan that they were read by, what was read, and the fields apart, by name: values
            of a row, or columns of a batch.

        Raises:
            DataError: where the value holds no features.
        """
        if not self._fields:
            return *recorder.read(plan, features), {}
        # Those of a baseline are features besides; what a first row has is none, but for its own.
        both = plan.reader.names if plan.baseline is not None else ()
        rest, found = without_fields(features, self._fields, both)
        plan, captured = recorder.read(plan, rest, apart=self._fields)
        lacking = [name for name in self._fields if name not in found]
        if lacking:
            captured, more = without_columns(captured, lacking, plan)
            found.update(more)
        return plan, captured, found

    def ids(self, found: Mapping[str, Any], captured: Row | Batch) -> Ids | None:
        """Return the own id of a row, or those of a batch's rows; None where there are none."""
        if self._prediction_id is None or self._prediction_id not in found:
            return None
        return ids_for(captured, found[self._prediction_id])

    def segment(
        self,
        found: Mapping[str, Any],
        captured: Row | Batch,
        features: object,
        recorder: Recorder,
        plan: CapturePlan,
    ) -> str | list[str] | None:
        """Return the segment of a row, or of each row of a batch; None where there is none."""
        segment = self._segment
        if segment is None:
            return None
        if not isinstance(segment, str):
            return _segments(segment(features), captured)
        if segment in found:
            self._has_segment_field = True
            return _segments(found[segment], captured) if recorder.tells(segment) else None
        is_field = self._has_segment_field or segment in plan.reader.names
        return None if is_field else _segments(segment, captured)


def ids_for(captured: Row | Batch, given: object) -> Ids | None:
    """Return ids as they were given, for a row or for a batch; None where they do not fit it.

    Args:
        captured: what was read.
        given: an id, or one of each row.
    """
    several = _several(given)
    if several is None:
        return row_id(given)
    found = row_ids(several)
    if isinstance(captured, Row):
        return found[0] if len(found) == 1 else None
    return found if len(found) == captured.rows else None


def _segments(value: object, captured: Row | Batch) -> str | list[str] | None:
    several = _several(value)
    if isinstance(captured, Row):
        return _segment(value if several is None or len(several) != 1 else several[0])
    if several is None:
        return [_segment(value)] * captured.rows
    return [_segment(one) for one in several] if len(several) == captured.rows else None


def _several(value: Any) -> list[Any] | None:
    """Return the values of a list, an array or a column of a frame; None of one value alone."""
    if isinstance(value, (str, bytes)):
        return None
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim == 1 else None
    is_column = isinstance(value, Sequence) or hasattr(value, "to_list")
    return list(value) if is_column else None


def _segment(value: object) -> str:
    found = outcome_value(value)
    return "" if found is None else category_key(found)
