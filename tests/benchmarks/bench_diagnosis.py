"""How often the cause of an injected fault is named, and how often one where there is none.

Run as ``python -m tests.benchmarks.bench_diagnosis [tuning] [examples]``. Faults are injected into
real columns, in windows of 500 to 10,000 rows that the reference lacks, drawn at random or in a
row; half of them come on top of what another month brings. The constants of the diagnosis were
chosen on the tuning split; the figures are of the held-out one, which has other columns and other
months (``diagnosis/real_columns.py``). Its first run named 93.1% right (91.3% by cause) and a cause
for 0.6% of plain drift; defects that it laid open were mended without choosing constants anew.

A fault counts where compare() calls the column changed, as no cause is told otherwise. Without a
fault, every column of every window is asked for any cause, changed or not.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import modelwatch as mw
from modelwatch.diagnosis import Aspect, Cause, probable_cause, swapped_columns
from modelwatch.feature import FeatureProfile
from modelwatch.report.drift_report import DriftReport
from tests.benchmarks.diagnosis.faults import inject
from tests.benchmarks.diagnosis.mixtures import mixture_causes
from tests.benchmarks.diagnosis.plain_drift import drifted, undrifted, window_of
from tests.benchmarks.diagnosis.real_columns import Setting, Split, Study, studies_of

SEED = 7
ROUNDS = 100
SWAP_ROUNDS = 12
ASPECTS: tuple[Aspect, ...] = ("values", "missing", "outliers")
TARGET_RIGHT, TARGET_WRONG = "at least 90%", "at most 2%"
NO_FAULT = ("none", "drift")
NOTHING = "-"
Table = dict[str, Any]


@dataclass
class Tally:
    """Counts of what was done and what was named.

    Attributes:
        named: by what was done and what was named.
        unproven: faults in columns that compare() does not call changed.
        changed: causes named and not, of columns without a fault that compare() calls changed.
        mixtures: what was named where a part of the rows moved.
        examples: what was said in place of what was done.
    """

    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    unproven: Counter[str] = field(default_factory=Counter)
    changed: Counter[bool] = field(default_factory=Counter)
    mixtures: Counter[str] = field(default_factory=Counter)
    examples: defaultdict[tuple[str, str], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def row(self, done: str) -> Counter[str]:
        """Return what was named where one thing was done."""
        return Counter({said: n for (d, said), n in self.named.items() if d == done})

    @property
    def faults(self) -> list[str]:
        """Names of what was injected."""
        return sorted({done for done, _ in self.named} - set(NO_FAULT))

    def right(self) -> tuple[float, float]:
        """Return the share of faults named right: of all, and the mean over the causes."""
        rows = {fault: self.row(fault) for fault in self.faults}
        hits = {fault: row[fault] for fault, row in rows.items()}
        each = [hits[fault] / row.total() for fault, row in rows.items()]
        return sum(hits.values()) / sum(row.total() for row in rows.values()), float(np.mean(each))

    def wrong(self, done: str) -> float:
        """Return the share of columns without a fault for which a cause is named."""
        row = self.row(done)
        return 1.0 - row[NOTHING] / row.total()


def measure(split: Split) -> Tally:
    """Return the tally of one split."""
    rng = np.random.default_rng(SEED)
    tally = Tally()
    for setting, studies in studies_of(split):
        for study in studies.values():
            _run(study, rng, tally)
        _run_swaps(setting, studies, rng, tally)
    for cause in mixture_causes():
        tally.mixtures[cause.name if cause else NOTHING] += 1
    return tally


def _run(study: Study, rng: np.random.Generator, tally: Tally) -> None:
    """Draw windows with a fault in each column, with plain drift, and with neither."""
    for number in range(ROUNDS):
        size = int(rng.choice(study.sizes))
        _ask_faults(study, rng, tally, window_of(rng, _pool(study, number), size))
        _ask_others(study, tally, "none", undrifted(rng, study, size))
        _ask_others(study, tally, "drift", drifted(rng, study, size))


def _run_swaps(
    setting: Setting, studies: dict[str, Study], rng: np.random.Generator, tally: Tally
) -> None:
    for number in range(SWAP_ROUNDS):
        for source, first, second in setting.swaps:
            study = studies[source]
            window = window_of(rng, _pool(study, number), int(rng.choice(study.sizes)))
            table = _plain(study, window)
            table[first], table[second] = table[second], table[first]
            report = mw.compare(study.baseline, table)
            _count_proven(study, tally, report, dict.fromkeys((first, second), "swapped_columns"))


def _pool(study: Study, number: int) -> pd.DataFrame:
    return study.same if number % 2 or study.following is None else study.following


def _ask_faults(study: Study, rng: np.random.Generator, tally: Tally, window: pd.DataFrame) -> None:
    table, done = _plain(study, window), {}
    for column in study.columns:
        injected = inject(rng, study, column, window)
        if injected is not None:
            done[column.name], table[column.name] = injected
    _count_proven(study, tally, mw.compare(study.baseline, table), done)


def _count_proven(study: Study, tally: Tally, report: DriftReport, done: dict[str, str]) -> None:
    proven = [name for name in report.features if _is_proven(report, name)]
    asked = proven if "swapped_columns" in done.values() else ()  # else each is a case by itself
    swapped = _swapped(study, report, asked)
    for name, fault in done.items():
        if name in proven:
            _count(study, tally, fault, report, name, swapped.get(name))
        else:
            tally.unproven[fault] += 1


def _ask_others(study: Study, tally: Tally, done: str, window: pd.DataFrame) -> None:
    report = mw.compare(study.baseline, _plain(study, window))
    swapped = _swapped(study, report, report.features)
    for name in report.features:
        if name == "carrier" and window[name].nunique() == 1:
            continue  # one carrier was chosen: the column is frozen in truth
        said = _count(study, tally, done, report, name, swapped.get(name))
        if _is_proven(report, name):
            tally.changed[said != NOTHING] += 1


def _is_proven(report: DriftReport, name: str) -> bool:
    return report.features[name].severity in ("warning", "drift")


def _swapped(study: Study, report: DriftReport, names: Iterable[str]) -> dict[str, Cause]:
    baseline = study.baseline
    current = _current(report).features
    return swapped_columns(baseline.features, baseline.profile.features, current, names)


def _current(report: DriftReport) -> mw.Profile:
    if report.current is None:
        raise TypeError("a report just made has both profiles.")
    return report.current


def _count(
    study: Study, tally: Tally, done: str, report: DriftReport, name: str, swapped: Cause | None
) -> str:
    baseline, current = study.baseline, _current(report).features[name]
    reference = baseline.profile.features[name]
    cause = swapped or probable_cause(baseline.features[name], reference, current, ASPECTS)
    said = cause.name if cause else NOTHING
    tally.named[done, said] += 1
    if said != done:
        text = cause.text if cause else _told(reference, current)
        tally.examples[done, said].append(f"{study.name}.{name}: {text}")
    return said


def _told(reference: FeatureProfile, current: FeatureProfile) -> str:
    a, b = reference.moments, current.moments
    if a is None or b is None:
        return "categories"
    return (
        f"n {b.n}, mean {a.mean:.4g} to {b.mean:.4g}, deviation {a.standard_deviation:.4g} to "
        f"{b.standard_deviation:.4g}, minimum {a.minimum:.4g} to {b.minimum:.4g}, maximum "
        f"{a.maximum:.4g} to {b.maximum:.4g}"
    )


def _plain(study: Study, window: pd.DataFrame) -> Table:
    return {column.name: window[column.name].to_numpy() for column in study.columns}


def figures() -> list[tuple[str, str, str]]:
    """Return what is measured, its target and the figure, of the held-out split."""
    return _figures(measure("held out"))


def _figures(tally: Tally) -> list[tuple[str, str, str]]:
    of_all, by_cause = tally.right()
    named, silent = tally.changed[True], tally.changed[False]
    share = named / max(named + silent, 1)
    asked = tally.mixtures.total()
    mixed = 1.0 - tally.mixtures[NOTHING] / max(asked, 1)
    return [
        ("injected faults named right", TARGET_RIGHT, f"{of_all:.1%}"),
        ("the same, mean over the causes", TARGET_RIGHT, f"{by_cause:.1%}"),
        ("a cause named without drift", TARGET_WRONG, f"{tally.wrong('none'):.1%}"),
        ("a cause named of plain drift", TARGET_WRONG, f"{tally.wrong('drift'):.1%}"),
        ("the same, of columns called changed", TARGET_WRONG, f"{share:.1%} of {named + silent}"),
        ("a cause named where a part moved", TARGET_WRONG, f"{mixed:.1%} of {asked}"),
    ]


def print_table(tally: Tally) -> None:
    """Print the confusion table: what was done, how often that was named, and what else was."""
    print(f"{'injected':22} {'asked':>6} {'right':>6} {'unproven':>8}  named in its place")
    for done in [*tally.faults, *NO_FAULT]:
        row = tally.row(done)
        right = NOTHING if done in NO_FAULT else done
        others = [f"{said} {n}" for said, n in row.most_common() if said != right]
        share = row[right] / row.total()
        unproven = tally.unproven[done] or ""
        print(f"{done:22} {row.total():6} {share:6.1%} {unproven:>8}  {', '.join(others)}")


def main() -> None:
    """Measure and print."""
    split: Split = "tuning" if "tuning" in sys.argv[1:] else "held out"
    tally = measure(split)
    print_table(tally)
    print(f"where a part moved: {dict(tally.mixtures.most_common())}")
    for what, target, figure in _figures(tally):
        print(f"{what:40} {target:14} {figure}")
    if "examples" in sys.argv[1:]:
        for pair, texts in sorted(tally.examples.items()):
            print(f"{pair}\n    {len(texts)}", *sorted(texts), sep="\n    ")


if __name__ == "__main__":
    main()
