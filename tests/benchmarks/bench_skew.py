"""How often an injected kind of training-serving skew is named right, and what an audit costs.

Run as ``python -m tests.benchmarks.bench_skew [examples]``. Faults of each kind are injected into
all, 30% and 5% of the rows of one column (``tests/skew/injections.py``), whose other columns differ
by what float32 loses. A kind is right where it is the first one that the audit names. Then two
files of 1,000,000 rows and 30 features are audited, each in a process of its own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from modelwatch.skew import FeatureSkew, audit
from tests.skew.injections import FAULTS, SHARES, Injected, injected, redrawn, shop, with_float32

SEEDS = range(1_000, 1_030)
"""Held out: the rules were written by others."""
CLEAN_SEEDS = 20
ROUNDS = 3
ROWS, NUMBERS, TEXTS = 1_000_000, 24, 5
TARGET = "at least 90%"
Row = tuple[str, str, str]

AUDITED = """
import re, sys, time
from pathlib import Path
from modelwatch.skew import audit
# Not getrusage: its maximum begins with that of the process that started this one.
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
started, cpu = time.perf_counter(), time.process_time()
report = audit(sys.argv[1], sys.argv[2])
assert len(report.failing()) == int(sys.argv[3]), report.failing()
print(time.perf_counter() - started, time.process_time() - cpu, peak())
"""
"""Seconds of an audit, of processor time, and resident memory in MB at most."""


@dataclass
class Tally:
    """What was named, by the kind that was injected.

    Attributes:
        named: by kind.
        beside: other features that were called skewed.
        examples: what was said in place of the kind.
    """

    named: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    beside: int = 0
    examples: list[str] = field(default_factory=list)

    def count(self, case: Injected) -> None:
        """Audit one case."""
        found = audited(case)
        feature = found.pop(case.column, None)
        said = feature.kinds[0].name if feature is not None else "nothing"
        self.named[case.kind][said] += 1
        partners = {"swapped_columns": 1}.get(case.kind, 0)
        self.beside += len(found) > partners
        if said != case.kind and feature is not None:
            text = "; ".join(
                f"{one.explained:.0%} {one.name}: {one.sentence}" for one in feature.kinds
            )
            self.examples.append(f"{case.kind} in {case.column} ({case.changed}): {text}")

    def right(self, kinds: Iterable[str]) -> float:
        """Return the share of cases of some kinds that were named right."""
        rows = [(self.named[kind][kind], self.named[kind].total()) for kind in kinds]
        return sum(hits for hits, _ in rows) / sum(total for _, total in rows)


def audited(case: Injected) -> dict[str, FeatureSkew]:
    """Return what an audit calls skewed."""
    entity, time = ("user", "at") if case.has_history else ((), None)
    report = audit(case.served, case.recomputed, entity=entity, time=time)
    return {name: report.features[name] for name in report.failing()}


def measure(seeds: Iterable[int]) -> Tally:
    """Inject each kind with each seed into each share of rows."""
    tally = Tally()
    for seed in seeds:
        for kind in FAULTS:
            for share in SHARES:
                tally.count(injected(kind, seed, share))
    return tally


def named_figures(examples: bool = False) -> list[Row]:
    """Return how often each kind is named right, and what is named where none is."""
    tally = measure(SEEDS)
    rows = [("injected skew kinds named right, in all", TARGET, f"{tally.right(FAULTS):.1%}")]
    for kind in FAULTS:
        wrong = tally.named[kind] - Counter({kind: tally.named[kind][kind]})
        told = ", ".join(f"{name} {count}" for name, count in wrong.most_common(3))
        measured = f"{tally.right([kind]):.1%} of {tally.named[kind].total()}"
        rows.append((f"named right: {kind}", TARGET, f"{measured}{f' ({told})' if told else ''}"))
    rows.append(("injected skew, with other features called skewed", "none", str(tally.beside)))
    others = Tally()
    for seed in SEEDS[::3]:
        for case in redrawn(seed):
            others.count(case)
    measured = f"{1 - others.right(['other']):.1%} of {others.named['other'].total()}"
    rows.append(("values redrawn at random, given a kind", "at most 2%", measured))
    if examples:
        print("\n".join(tally.examples + others.examples))
    return [*rows, ("clean rows in float32, called skewed", "none", clean())]


def clean() -> str:
    """Return how many features of clean rows are called skewed."""
    wrong = total = 0
    for seed in range(CLEAN_SEEDS):
        frame = shop(np.random.default_rng([seed, 2]))
        report = audit(with_float32(frame).sample(frac=1.0, random_state=seed), frame)
        wrong += len(report.failing())
        total += len(report.features)
    return f"{wrong} of {total} features"


def large_frame(seed: int) -> pl.DataFrame:
    """Return seeded columns: an id that is a text of its own, 24 numbers, 5 texts and a time."""
    rng = np.random.default_rng(seed)
    numbers = {f"number_{i}": rng.lognormal(0, 1 + i / 10, ROWS) for i in range(NUMBERS)}
    texts = {f"text_{i}": rng.choice(list("abcdef"), ROWS) for i in range(TEXTS)}
    time = np.datetime64("2026-01-01", "us") + rng.integers(0, 10**7, ROWS).astype("m8[s]")
    ids = [f"{number:032x}" for number in range(ROWS)]
    return pl.DataFrame({"id": ids, **numbers, **texts, "at": time})


def cost_figures() -> list[Row]:
    """Return what audits of files cost, of which three features are skewed, and of all."""
    rows = []
    recomputed = large_frame(0)
    some = recomputed.sample(fraction=1.0, shuffle=True, seed=1).with_columns(
        pl.col("number_0") * 1000, pl.col("number_1").round(1), pl.col("text_0").str.to_uppercase()
    )
    every = some.with_columns(
        pl.selectors.float() * 1.5, pl.col("^text.*$") + "x", pl.col("at").dt.offset_by("2h")
    )
    with tempfile.TemporaryDirectory() as folder:
        for skewed, served in ((3, some), (NUMBERS + TEXTS + 1, every)):
            for suffix in ("parquet", "csv"):
                paths = [Path(folder) / f"{side}.{suffix}" for side in ("served", "recomputed")]
                for path, frame in zip(paths, (served, recomputed), strict=True):
                    frame.write_parquet(path) if suffix == "parquet" else frame.write_csv(path)
                rows.append(_cost(paths, skewed))
    return rows


def _cost(paths: list[Path], skewed: int) -> Row:
    taken = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-c", AUDITED, *map(str, paths), str(skewed)]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        taken.append(tuple(map(float, done.stdout.split())))
    seconds, cpu, peak = (statistics.median(figure) for figure in zip(*taken, strict=True))
    what = f"audit 2 x {ROWS:,} x 30, {paths[0].suffix[1:]}, {skewed} features skewed"
    return what, "20 s, 1,000 MB", f"{seconds:.1f} s, {cpu:.1f} s CPU, {peak:.0f} MB at most"


def figures() -> list[Row]:
    """Return what was measured."""
    return [*named_figures(), *cost_figures()]


def main() -> None:
    """Measure and print."""
    for what, target, measured in [*named_figures("examples" in sys.argv[1:]), *cost_figures()]:
        print(f"{what:60} {target:>16}  {measured}")


if __name__ == "__main__":
    main()
