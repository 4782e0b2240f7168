"""Send the flights of one phase to the service, as departure boards over HTTP.

    python replay.py calm --url http://127.0.0.1:8000

One request is one board: the departures of one hour. At most eight requests are under way at a
time. Prints how many flights were sent and answered, or writes it as JSON.

With ``--labels FILE``, whether each flight arrived late is added to a CSV file, under the id that
came with its prediction, for ``modelwatch labels push``. Flights that never arrived have no label.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from rich.progress import track

from data import FEATURES, PHASES, load_flights, phase_flights

CONCURRENT_REQUESTS = 8
TIMEOUT_SECONDS = 30.0

PREDICTION_ID = "x-prediction-id"
"""Header of an answer; row i of a board of several has this id, a slash and i."""

Board = list[dict[str, Any]]
Arrivals = Sequence[bool | None]
"""Whether each flight of a board arrived late; None where it did not arrive."""

Labels = list[tuple[str, bool]]


@dataclass
class Outcome:
    """What came of a replay.

    Attributes:
        sent: flights sent.
        answered: flights for which a prediction came back.
        late: flights predicted to be late.
        statuses: HTTP status, or the kind of transport error, to the number of requests.
        seconds: from the first request to the last answer.
    """

    sent: int = 0
    answered: int = 0
    late: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, status: str) -> None:
        """Count one request that ended with ``status``."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


def boards(flights: pd.DataFrame) -> Iterator[Board]:
    """Yield the flights of each hour as JSON objects, in time order, missing values as null."""
    columns = list(FEATURES)
    for _, group in flights.groupby("time_hour", sort=True):
        rows = group[columns].to_dict("records")
        yield [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def arrivals(flights: pd.DataFrame) -> Iterator[Arrivals]:
    """Yield what became of the flights of each hour, in the order of `boards`."""
    for _, group in flights.groupby("time_hour", sort=True):
        known = group["arrived_late"]
        yield [None if pd.isna(late) else bool(late) for late in known]


async def replay(
    requests: Iterable[Board],
    url: str,
    *,
    became: Iterable[Arrivals] | None = None,
    labels: Labels | None = None,
) -> Outcome:
    """Send every board to ``url``/predict, a bounded number at a time.

    Args:
        requests: the boards, taken one by one.
        url: base address of the service.
        became: what became of the flights of each board, where that is known.
        labels: where the label of each answered flight is added, with the id of its prediction.
    """
    outcome = Outcome()
    told = labels if labels is not None else []
    waiting = zip(requests, became if became is not None else repeat(()), strict=False)
    started = time.monotonic()
    async with (
        httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as client,
        asyncio.TaskGroup() as senders,
    ):
        for _ in range(CONCURRENT_REQUESTS):
            senders.create_task(_send_all(waiting, client, outcome, told))
    outcome.seconds = time.monotonic() - started
    return outcome


async def _send_all(
    waiting: Iterator[tuple[Board, Arrivals]],
    client: httpx.AsyncClient,
    outcome: Outcome,
    labels: Labels,
) -> None:
    for board, became in waiting:
        outcome.sent += len(board)
        try:
            response = await client.post("/predict", json=board)
        except httpx.TransportError as error:
            outcome.count(type(error).__name__)
            continue
        outcome.count(str(response.status_code))
        if response.is_success:
            delays = response.json()
            outcome.answered += len(delays)
            outcome.late += sum(delay["late"] for delay in delays)
            labels += labels_of(response.headers.get(PREDICTION_ID, ""), became)


def labels_of(prediction_id: str, became: Arrivals) -> Labels:
    """Return the labels of the flights of a board that arrived, by the ids of their rows.

    >>> labels_of("7f", [True, None, False])
    [('7f/0', True), ('7f/2', False)]
    """
    if len(became) == 1:
        return [(prediction_id, late) for late in became if late is not None]
    return [(f"{prediction_id}/{row}", late) for row, late in enumerate(became) if late is not None]


def add_labels(path: Path, labels: Labels) -> None:
    """Add labels to a CSV file, which is begun where it is not there."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(["prediction_id", "label"])
        writer.writerows((name, str(late).lower()) for name, late in labels)


def wait_until(moment: float) -> None:
    """Block until the clock shows ``moment`` (Unix seconds); return at once where it has passed."""
    time.sleep(max(0.0, moment - time.time()))


def main() -> None:
    """Replay one phase and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phase", choices=list(PHASES))
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="base address of the app")
    parser.add_argument("--start-at", type=float, default=0.0, help="Unix seconds to start at")
    parser.add_argument("--outcome", type=Path, help="write the outcome here as JSON")
    parser.add_argument("--labels", type=Path, help="add what became of the flights to this CSV")
    arguments = parser.parse_args()
    flights = phase_flights(load_flights(), arguments.phase)
    ready = list(boards(flights))
    wait_until(arguments.start_at)
    shown = track(
        ready,
        description=f"  {arguments.phase}",
        transient=True,
        disable=not sys.stdout.isatty(),
    )
    labels: Labels = []
    became = list(arrivals(flights))
    outcome = asyncio.run(replay(shown, arguments.url, became=became, labels=labels))
    if arguments.labels:
        add_labels(arguments.labels, labels)
    document = json.dumps(asdict(outcome))
    if arguments.outcome:
        arguments.outcome.write_text(document, encoding="utf-8")
    else:
        sys.stdout.write(document + "\n")


if __name__ == "__main__":
    main()
