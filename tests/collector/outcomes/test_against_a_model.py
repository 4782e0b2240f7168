"""Whatever comes in whatever order, a window tells what its surviving rows come to."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import modelwatch as mw
from modelwatch.collector.outcomes.protocols import LabelsKept, OutcomeWindow, PredictionsKept
from modelwatch.collector.storing.importing import import_store
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.transfer import export_store
from modelwatch.collector.windows import TimeWindow
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.rollout.pair_rows import PairRows
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.telemetry.wire.outcomes import OutcomeValue
from tests.collector.outcomes.outcome_traffic import (
    DAY,
    HOUR,
    MODEL,
    SECOND,
    Clock,
    crash_image,
    fraud_baseline,
    labels,
    predictions,
)

IDS = [f"id-{n}" for n in range(6)]
VERSIONS = ("1", "2")
HORIZON_SECONDS = 2 * 86_400

ids = st.sampled_from(IDS)
versions = st.sampled_from(VERSIONS)
scores = st.sampled_from([0.1, 0.4, 0.50001, 0.9, float("nan")])
segments = st.sampled_from(["", "DE", "FR"])
values = st.sampled_from(["yes", "no", "other", True, None])


@dataclass(frozen=True)
class Row:
    """One prediction, and its label where there is one: its value and when it became known."""

    version: str
    at_ns: int
    score: float
    segment: str
    label: tuple[OutcomeValue, int] | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether it has a label that was not taken back."""
        return self.label is not None and self.label[0] is not None


Both = tuple[str | None, str | None]
"""The baselines of both versions."""


@dataclass
class Expected:
    """A store in a dictionary."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    labels: dict[str, tuple[OutcomeValue, int]] = field(default_factory=dict)
    settled: list[tuple[Row, str | None]] = field(default_factory=list)
    settled_pairs: list[tuple[Row, Row, Both]] = field(default_factory=list)
    baselines: dict[str, str] = field(default_factory=dict)
    expired_before_ns: int = 0

    def predict(self, name: str, row: Row) -> str:
        """Take a prediction; return what becomes of it."""
        if row.at_ns < self.expired_before_ns:
            return "expired"
        if (name, row.version) in self.rows:
            return "duplicates"
        self.rows[name, row.version] = replace(row, label=self.labels.get(name))
        return "stored"

    def label(self, name: str, value: OutcomeValue, at_ns: int) -> str:
        """Take a label; return what becomes of it."""
        before, known = self.labels.get(name), self._of(name)
        if before is not None:
            if repr(before[0]) == repr(value):
                return "duplicates"
            if at_ns <= before[1]:
                return "outdated" if at_ns < before[1] else "conflicting"
        elif not known and at_ns < self.expired_before_ns:
            return "expired"
        self.labels[name] = (value, at_ns)
        for key in known:
            self.rows[key] = replace(self.rows[key], label=(value, at_ns))
        if value is None:
            return "taken_back"
        if before is not None and before[0] is not None:
            return "corrected"
        return "joined" if known else "waiting"

    def expire(self, before_ns: int) -> None:
        """Let go of what is old."""
        self.expired_before_ns = before_ns
        for name in IDS:
            old = [key for key in self._of(name) if self.rows[key].at_ns < before_ns]
            if old and len(self._of(name)) == len(VERSIONS):
                first, second = (self.rows[name, version] for version in VERSIONS)
                self.settled_pairs.append((first, second, self.both_baselines))
            for key in old:
                row = self.rows.pop(key)
                self.settled.append((row, self.baselines.get(row.version)))
            is_old = name in self.labels and self.labels[name][1] < before_ns
            if not self._of(name) and (old or is_old):
                self.labels.pop(name, None)

    @property
    def both_baselines(self) -> Both:
        """Those in force, None where there is none."""
        return self.baselines.get("1"), self.baselines.get("2")

    @property
    def pairs(self) -> list[tuple[Row, Row]]:
        """What both versions predicted, as told for the baselines in force."""
        names = [name for name in IDS if len(self._of(name)) == len(VERSIONS)]
        return [
            *((self.rows[name, "1"], self.rows[name, "2"]) for name in names),
            *((one, two) for one, two, told in self.settled_pairs if told == self.both_baselines),
        ]

    def push(self, version: str, baseline_id: str) -> None:
        """Take a baseline: it is told of what is there now."""
        if self.baselines.get(version) != baseline_id:
            self.settled = [
                (row, None if told == baseline_id and row.version == version else told)
                for row, told in self.settled
            ]
        before = self.both_baselines
        self.baselines[version] = baseline_id
        if before != self.both_baselines:
            told = self.both_baselines
            self.settled_pairs = [pair for pair in self.settled_pairs if pair[2] != told]

    @property
    def waiting(self) -> int:
        """Labels that never had a prediction."""
        return sum(not self._of(name) for name in self.labels)

    def _of(self, name: str) -> list[tuple[str, str]]:
        return [(name, version) for version in VERSIONS if (name, version) in self.rows]


class Joining(RuleBasedStateMachine):
    """Does the same to a store and to a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.expected = Expected()
        self.files = 0
        self.path = Path(self.folder.name) / "store-0.sqlite"
        self.store = self.opened()

    def opened(self) -> SqliteStore:
        """Return the store, opened."""
        return SqliteStore.open(self.path, clock=self.clock, label_horizon_seconds=HORIZON_SECONDS)

    def teardown(self) -> None:
        """Check the file, and let go of it."""
        self.store.close()
        assert check(self.path).problems == []
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        """One of the versions has a baseline from the start."""
        self.push("1", 0)

    @rule(told=st.lists(st.tuples(ids, scores, segments, st.integers(0, 5)), max_size=8),
          version=versions)  # fmt: skip
    def predict(self, told: list[tuple[str, float, str, int]], version: str) -> None:
        """Keep predictions of some hours."""
        times = [self.clock.now_ns - hours * HOUR // 2 for *_, hours in told]
        rows = predictions(
            [name for name, *_ in told],
            [score for _, score, *_ in told],
            version=version,
            times_ns=times,
            segments=[segment for _, _, segment, _ in told],
        )
        found = asyncio.run(self.store.keep_predictions([rows] if told else []))
        outcomes: Counter[str] = Counter()
        for (name, score, segment, _), at_ns in zip(told, times, strict=True):
            outcome = self.expected.predict(name, Row(version, at_ns, score, segment))
            outcomes[outcome] += 1
            if outcome == "stored":
                outcomes["joined"] += self.expected.rows[name, version].is_labelled
        assert found == PredictionsKept(**dict[str, Any](outcomes))

    @rule(told=st.lists(st.tuples(ids, values, st.integers(-1, 3)), max_size=8))
    def label(self, told: list[tuple[str, OutcomeValue, int]]) -> None:
        """Keep labels, which became known in any order."""
        times = [self.clock.now_ns + seconds * SECOND for *_, seconds in told]
        rows = labels([name for name, *_ in told], [value for _, value, _ in told], times)
        found = asyncio.run(self.store.keep_labels([rows]))
        outcomes = Counter(
            self.expected.label(name, value, at_ns)
            for (name, value, _), at_ns in zip(told, times, strict=True)
        )
        assert found == LabelsKept(**dict[str, Any](outcomes))

    @rule(version=versions, seed=st.integers(0, 1))
    def push(self, version: str, seed: int) -> None:
        """Put a baseline in force, and have it noted."""
        baseline = fraud_baseline(version, seed)
        asyncio.run(self.store.put_baseline(MODEL, version, baseline.id, baseline.to_json()))
        asyncio.run(self.store.note_baselines())
        self.expected.push(version, baseline.id)

    @rule()
    def tidy(self) -> None:
        """Sum up, and let go of what is old."""
        asyncio.run(self.store.tidy())
        self.expected.expire(self.clock.now_ns - HORIZON_SECONDS * SECOND)

    @rule(hours=st.sampled_from([1, 20, 60]))
    def wait(self, hours: int) -> None:
        """Let time pass; what has become too old is let go of."""
        self.clock.now_ns += hours * HOUR
        self.tidy()

    @rule()
    def crash(self) -> None:
        """Go on with what a killed process leaves."""
        self.files += 1
        target = self.path.with_name(f"store-{self.files}.sqlite")
        crash_image(self.path, target)
        self.store.close()
        self.path = target
        self.store = self.opened()

    @rule()
    def move(self) -> None:
        """Go on with another store that took what this one exported."""
        self.files += 1
        target = self.path.with_name(f"store-{self.files}.sqlite")
        self.store.close()
        export_store(self.path, target.with_suffix(".jsonl"))
        import_store(target.with_suffix(".jsonl"), target)
        self.path = target
        self.store = self.opened()

    @rule(is_reversed=st.booleans(), is_day=st.booleans())
    def compare_pairs(self, is_reversed: bool, is_day: bool) -> None:
        """What both versions predicted is told by the time of the first one's."""
        asyncio.run(self.store.note_baselines())
        now_ns = self.clock.now_ns
        window = TimeWindow(0 if not is_day else now_ns // DAY * DAY, (now_ns // DAY + 2) * DAY)
        order = VERSIONS[::-1] if is_reversed else VERSIONS
        found = self.store.pairs(MODEL, *order, window)
        pairs = [pair for pair in self.expected.pairs if pair[0].at_ns > window.start_ns]
        if found is None:
            assert not pairs
            return
        first, second = (baseline_of(version, self.expected) for version in order)
        summary = PairSummary.empty(first, second)
        assert summary is not None
        if pairs:
            ordered = [pair[::-1] if is_reversed else pair for pair in pairs]
            summary.update(
                PairRows(
                    first=outputs_of([one for one, _ in ordered]),
                    second=outputs_of([other for _, other in ordered]),
                    labels=[None if one.label is None else one.label[0] for one, _ in ordered],
                )
            )
        assert pairs_told_by(found) == pairs_told_by(summary)

    @invariant()
    def tells_what_rows_come_to(self) -> None:
        """Every window, segment and count is that of the rows."""
        assert self.store.label_counts(MODEL).waiting == self.expected.waiting
        everything = [*((row, self.expected.baselines.get(row.version)) for row in
                        self.expected.rows.values()), *self.expected.settled]  # fmt: skip
        for version in VERSIONS:
            rows = [(row, told) for row, told in everything if row.version == version]
            whole = TimeWindow(0, (self.clock.now_ns // DAY + 2) * DAY)
            self.compare(version, whole, rows)
            for end_ns in {(row.at_ns - 1) // DAY + 1 for row, _ in rows}:
                window = TimeWindow((end_ns - 1) * DAY, end_ns * DAY)
                self.compare(version, window, rows)

    def compare(self, version: str, window: TimeWindow, rows: list[tuple[Row, str | None]]) -> None:
        """Compare what is told of a window with its rows."""
        found = self.store.outcomes(MODEL, version, window)
        some = [(row, told) for row, told in rows if window.start_ns < row.at_ns <= window.end_ns]
        assert found.predictions == len(some)
        assert found.labelled == sum(row.is_labelled for row, _ in some)
        current = self.expected.baselines.get(version)
        known = [row for row, told in some if row.is_labelled and current and told == current]
        if not known:
            assert found.summaries == {}
            return
        by_segment = {"": known}
        for row in known:
            if row.segment:
                by_segment.setdefault(row.segment, []).append(row)
        assert set(found.summaries) == set(by_segment)
        baseline = baseline_of(version, self.expected)
        assert baseline is not None
        for segment, part in by_segment.items():
            summary = OutcomeSummary.empty(baseline)
            summary.update(joined_rows(part))
            assert told_of(found, segment) == told_by(summary)


def joined_rows(rows: list[Row]) -> JoinedRows:
    """Return rows as they are summed up."""
    known = [row.label for row in rows if row.label is not None]
    return JoinedRows(
        labels=[value for value, _ in known if value is not None],
        outputs=outputs_of(rows),
        predicted_ns=np.array([row.at_ns for row in rows]),
        labelled_ns=np.array([at_ns for _, at_ns in known]),
    )


def outputs_of(rows: list[Row]) -> dict[str, list[Any]]:
    """Return the columns of what was predicted."""
    return {
        "class": ["yes" if row.score > 0.5 else "no" for row in rows],
        "score": [row.score for row in rows],
    }


def baseline_of(version: str, expected: Expected) -> mw.Baseline | None:
    """Return a version's baseline in force."""
    both = (fraud_baseline(version, 0), fraud_baseline(version, 1))
    return next((one for one in both if one.id == expected.baselines.get(version)), None)


def pairs_told_by(summary: PairSummary) -> dict[str, Any]:
    """Return all counts of pairs, and their moments to nine digits."""
    moments = {"losses": summary.losses, **summary.values}
    return {
        "rows": summary.rows,
        "agreement": summary.agreement.tolist(),
        "correct": summary.correct.tolist(),
        "other": summary.other_agreed,
        **{
            name: rounded([one.n, one.mean_offset.tolist(), one.m2.tolist()])
            for name, one in moments.items()
        },
    }


def told_of(found: OutcomeWindow, segment: str) -> dict[str, Any]:
    """Return all that a window tells of a segment."""
    return told_by(found.summaries[segment])


def told_by(summary: OutcomeSummary) -> dict[str, Any]:
    """Return all counts of a summary, and its moments to nine digits."""
    body = summary.labelled.to_dict()
    return {"rows": summary.rows, "delays": summary.delays.counts.tolist(), **rounded(body)}


def rounded(body: Any) -> Any:
    """Return a document whose numbers are compared to nine digits."""
    if isinstance(body, dict):
        return {key: rounded(one) for key, one in body.items()}
    if isinstance(body, list):
        return [rounded(one) for one in body]
    return pytest.approx(body, rel=1e-9, abs=1e-9) if isinstance(body, float) else body


Joining.TestCase.settings = settings(stateful_step_count=20)
TestJoining = pytest.mark.slow(Joining.TestCase)
