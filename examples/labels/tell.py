"""Tell which payments were charged back: a job that runs each night.

    python tell.py chargebacks.csv

The file has the columns ``prediction_id``, ``charged_back`` (``true`` or ``false``) and
``known_at`` (ISO 8601).
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from pathlib import Path

import modelwatch as mw


def tell(path: Path, watch: mw.Watch) -> int:
    """Record the labels of a file, and return how many there were."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    watch.record_labels(
        [row["prediction_id"] for row in rows],
        [row["charged_back"] == "true" for row in rows],
        [dt.datetime.fromisoformat(row["known_at"]) for row in rows],
    )
    return len(rows)


def main() -> None:
    """Tell the labels of the file that is named."""
    watch = mw.Watch("payments", version="1")
    told = tell(Path(sys.argv[1]), watch)
    if not watch.shutdown(timeout_seconds=30.0):
        raise SystemExit("Not all labels were delivered: run this again, as no label counts twice.")
    print(f"{told} labels told.")


if __name__ == "__main__":
    main()
