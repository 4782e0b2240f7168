"""What of predictions and labels is taken: names and times held to the limits, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelwatch.collector.receiving.admission import Admission
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = ["OutcomeAdmission"]


class OutcomeAdmission:
    """Decides. Not thread-safe.

    A prediction whose segment is one too many is taken as one of no segment; an output or feature
    of which that is so is left out.

    Args:
        admission: holds the limits, of which all else takes its part too.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def predictions(
        self, batches: Iterable[PredictionRows]
    ) -> tuple[list[PredictionRows], Counter[str]]:
        """Return which predictions are taken, and how many are not, by reason.

        Where only segments or columns are not taken, these are counted, once for each row.
        """
        taken: list[PredictionRows] = []
        refused: Counter[str] = Counter()
        for one in batches:
            kind = self._refuses(("models", "", one.model), ("versions", one.model, one.version))
            if kind:
                refused[kind] += len(one.ids)
                continue
            rows = self._in_time(one.times_ns, refused)
            if rows is not None:
                one = one.at(rows)
            if len(one.ids):
                taken.append(self._of_known_names(one, refused))
        return taken, refused

    def labels(self, batches: Iterable[LabelRows]) -> tuple[list[LabelRows], Counter[str]]:
        """Return which labels are taken, and how many are not, by reason."""
        taken: list[LabelRows] = []
        refused: Counter[str] = Counter()
        for one in batches:
            if self._refuses(("models", "", one.model)):
                refused["models"] += len(one.ids)
                continue
            rows = self._in_time(one.times_ns, refused)
            if rows is not None:
                one = one.at(rows)
            if len(one.ids):
                taken.append(one)
        return taken, refused

    def takes_model(self, model: str) -> bool:
        """Return whether there is a place for a model, which it then has."""
        return not self._refuses(("models", "", model))

    def takes_time(self, time_ns: int) -> bool:
        """Return whether a time does not lie too far in the future."""
        return self._admission.takes(time_ns)

    def reason(self, kind: str) -> str:
        """Return why rows are not taken, as a sentence."""
        if kind == "future":
            return self._admission.clocks.refusal("times")
        return (
            f"Names beyond the limit of {self._admission.most(kind)} {kind} were not taken: raise "
            "it in [limits] of the collector's modelwatch.toml, or send fewer."
        )

    def _refuses(self, *whose: tuple[str, object, str]) -> str:
        for kind, owner, name in whose:
            if not self._admission.has_place(kind, owner, name):
                return kind
        return ""

    def _in_time(self, times_ns: Sequence[int], refused: Counter[str]) -> list[int] | None:
        """Return the places of rows whose time has come; None where they are all."""
        if not times_ns or self._admission.takes(max(times_ns)):
            return None
        rows = [place for place, at_ns in enumerate(times_ns) if self._admission.takes(at_ns)]
        refused["future"] += len(times_ns) - len(rows)
        return rows

    def _of_known_names(self, one: PredictionRows, refused: Counter[str]) -> PredictionRows:
        segments = one.segments
        if segments is not None:
            beyond = {
                name
                for name in set(segments)
                if name and self._refuses(("segments", one.model, name))
            }
            if beyond:
                refused["segments"] += sum(name in beyond for name in segments)
                segments = ["" if name in beyond else name for name in segments]
        outputs = self._columns(one, one.outputs, refused)
        features = self._columns(one, one.features, refused)
        if segments is one.segments and outputs is one.outputs and features is one.features:
            return one
        return replace(one, segments=segments, outputs=outputs, features=features)

    def _columns(
        self, one: PredictionRows, columns: Mapping[str, Any], refused: Counter[str]
    ) -> Mapping[str, Any]:
        beyond = [name for name in columns if self._refuses(("features", one.model, name))]
        if not beyond:
            return columns
        refused["features"] += len(beyond) * len(one.ids)
        return {name: values for name, values in columns.items() if name not in beyond}
