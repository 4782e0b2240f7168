"""A change of how well a model does: when it began, from what to what, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from modelwatch import document
from modelwatch.detectors.stream_detector import Direction
from modelwatch.document import Body

__all__ = ["ConceptChange"]

DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)


@dataclass(frozen=True, kw_only=True)
class ConceptChange:
    """A change of the mean error. Immutable.

    Times are Unix nanoseconds. Errors are rates of wrong classes, or mean absolute deviations in
    units of the stream's.

    Attributes:
        direction: whether errors rose, which is an alarm, or fell, which is an improvement.
        detected_ns: when the label became known that told of it.
        began_ns: when the first predictions were made whose labels lie after the change, as
            estimated: from labels around it, so that it is the nearer the more evenly labels come.
        began_labelled_ns: when the first label after the change became known, as estimated.
        before: mean error before it, since the change before that.
        after: mean error since.
        difference_lower: lower limit of the 95% interval of after - before.
        difference_upper: upper limit. As the change was put where it is clearest, the interval is
            that of a change known to be there, and leans from 0.
        rows_before: labels before it.
        rows_after: labels after it, up to the one that told of it.
        confidence: 1 - delta of the strictest detector that would have told it, in (0, 1).
    """

    direction: Direction
    detected_ns: int
    began_ns: int
    began_labelled_ns: int
    before: float
    after: float
    difference_lower: float
    difference_upper: float
    rows_before: int
    rows_after: int
    confidence: float

    @property
    def is_worse(self) -> bool:
        """Whether errors rose."""
        return self.direction == "rise"

    @property
    def difference(self) -> float:
        """After - before."""
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: Body) -> ConceptChange:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or of a wrong type.
        """
        return cls(
            direction=document.choice(body, "direction", DIRECTIONS),
            detected_ns=document.time_ns(body, "detected_ns"),
            began_ns=document.time_ns(body, "began_ns"),
            began_labelled_ns=document.time_ns(body, "began_labelled_ns"),
            before=document.number(body, "before"),
            after=document.number(body, "after"),
            difference_lower=document.number(body, "difference_lower"),
            difference_upper=document.number(body, "difference_upper"),
            rows_before=document.count(body, "rows_before"),
            rows_after=document.count(body, "rows_after"),
            confidence=document.number(body, "confidence", lowest=0.0),
        )
