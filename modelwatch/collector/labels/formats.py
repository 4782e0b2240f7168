"""What labels are written in, and under which names their parts are found. Loads nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ColumnNames", "LabelFormat"]


class LabelFormat(StrEnum):
    """What a file of labels is written in; Parquet stands for Arrow too."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, kw_only=True)
class ColumnNames:
    """Under which names the parts of a label are found, in columns or in members of objects.

    Attributes:
        id: of the prediction's id.
        label: of what turned out to be true.
        time: of when that became known; empty where nothing tells.
    """

    id: str = "prediction_id"
    label: str = "label"
    time: str = "time"
