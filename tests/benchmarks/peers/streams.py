"""The streams that every tool judges: what they are, and the file that all tools read.

Needs numpy alone, as it runs in each tool's own environment. Each stream is a reference and
windows of fresh rows that follow it, in `COLUMNS` columns of the same law. The sample is cut, after
it was drawn as one path, into reference and windows; a drift changes the windows only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["COLUMNS", "STREAMS", "Stream", "Table", "read", "write"]

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]
Change = Callable[[np.random.Generator, FloatArray], FloatArray]
Table = dict[str, npt.NDArray[np.float64] | list[str]]
"""Columns by name; text where the stream is one of categories."""

COLUMNS = 10
ROWS_A_DAY = 1_440
SEED = 20_130


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One row of the table.

    Attributes:
        name: as the table shows it; streams that share what comes before the last comma share it.
        draw: draws rows x COLUMNS from a generator, in time order.
        change: what happens to the windows; None where there is no drift.
        reference: rows of the reference.
        rows: rows of a window.
        windows: number of windows.
        is_category: whether the numbers stand for texts.
        has_times: whether the tool may know the rows' times, a minute apart.
        is_joint: whether a window gets one verdict on the dependence of its columns, in place of
            one a column.
    """

    name: str
    draw: Draw
    change: Change | None = None
    reference: int = 10_000
    rows: int = 1_000
    windows: int = 40
    is_category: bool = False
    has_times: bool = False
    is_joint: bool = False


def normal(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw independent N(0, 1)."""
    return rng.normal(size=(rows, COLUMNS))


def autoregressive(coefficient: float) -> Draw:
    """Return what draws AR(1) of unit variance."""

    def draw(rng: np.random.Generator, rows: int) -> FloatArray:
        path = rng.normal(size=(rows, COLUMNS))
        path[1:] *= np.sqrt(1 - coefficient**2)
        for row in range(1, rows):
            path[row] += coefficient * path[row - 1]
        return path

    return draw


def random_level(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw N(0, 1) about a level that is drawn anew, with .3 sd, every 500 rows."""
    levels = rng.normal(scale=0.3, size=(rows // 500 + 1, COLUMNS))
    return np.repeat(levels, 500, axis=0)[:rows] + rng.normal(size=(rows, COLUMNS))


def daily_cycle(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw N(0, 1) about a sine of amplitude 1 and a period of a day."""
    phase = 2 * np.pi * np.arange(rows)[:, None] / ROWS_A_DAY
    return np.sin(phase) + rng.normal(size=(rows, COLUMNS))


def log_normal(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw exp of N(0, 1)."""
    return np.exp(normal(rng, rows))


def heavy_tails(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, size=(rows, COLUMNS))


def counts(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw Poisson of mean 5."""
    return rng.poisson(5.0, size=(rows, COLUMNS)).astype(np.float64)


def zero_inflated(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw zeros, 60% of them, and exponentials."""
    drawn = rng.exponential(size=(rows, COLUMNS))
    drawn[rng.random((rows, COLUMNS)) < 0.6] = 0.0
    return drawn


def categories(number: int) -> Draw:
    """Return what draws categories whose shares fall as 1 / rank."""
    shares = 1.0 / np.arange(1, number + 1)

    def draw(rng: np.random.Generator, rows: int) -> FloatArray:
        drawn = rng.choice(number, size=(rows, COLUMNS), p=shares / shares.sum())
        return drawn.astype(np.float64)

    return draw


def correlated(rng: np.random.Generator, rows: int) -> FloatArray:
    """Draw N(0, 1) with a correlation of .5 between any two columns."""
    drawn: FloatArray = rng.normal(size=(rows, 1)) + rng.normal(size=(rows, COLUMNS))
    drawn /= np.sqrt(2.0)
    return drawn


def loosened(rng: np.random.Generator, values: FloatArray) -> FloatArray:
    """Take the first column's correlations from .5 to .2, and leave its law as it is."""
    changed = values.copy()
    changed[:, 0] = 0.4 * values[:, 0] + np.sqrt(1 - 0.4**2) * rng.normal(size=len(values))
    return changed


def moved(by: float) -> Change:
    """Return what adds a constant."""
    return lambda rng, values: values + by


def scaled(by: float) -> Change:
    """Return what multiplies by a constant."""
    return lambda rng, values: values * by


def more_counts(rng: np.random.Generator, values: FloatArray) -> FloatArray:
    """Raise the Poisson mean from 5 to 6."""
    return values + rng.poisson(1.0, size=values.shape)


def replaced(share: float, by: float) -> Change:
    """Return what replaces a share of the values."""

    def change(rng: np.random.Generator, values: FloatArray) -> FloatArray:
        return np.where(rng.random(values.shape) < share, by, values)

    return change


def _normal_streams() -> Iterator[Stream]:
    for rows, reference, windows in ((1_000, 10_000, 40), (200, 10_000, 100), (10_000, 50_000, 10)):
        for shift in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5):
            name = f"N(0,1), reference {reference:,}, window {rows:,}, shift {shift:g} sd"
            yield Stream(
                name=name,
                draw=normal,
                change=moved(shift) if shift else None,
                reference=reference,
                rows=rows,
                windows=windows,
            )
    for shift in (0.0, 0.3, 0.5):
        yield Stream(
            name=f"N(0,1), reference 1,000, window 100, shift {shift:g} sd",
            draw=normal,
            change=moved(shift) if shift else None,
            reference=1_000,
            rows=100,
        )


def _dependent_streams() -> Iterator[Stream]:
    paths = (
        ("AR(1) .9", autoregressive(0.9)),
        ("AR(1) .99", autoregressive(0.99)),
        ("level of .3 sd per 500 rows", random_level),
        ("daily cycle of 1 sd", daily_cycle),
    )
    for name, draw in paths:
        for change, what in ((None, "no drift"), (moved(0.5), "shift 0.5 sd")):
            yield Stream(
                name=f"{name}, {what}",
                draw=draw,
                change=change,
                reference=50_000,
                has_times=draw is daily_cycle,
            )


def _other_laws() -> Iterator[Stream]:
    laws: tuple[tuple[str, Draw, Change, str], ...] = (
        ("log-normal", log_normal, scaled(float(np.exp(0.3))), "times exp(.3)"),
        ("Student's t3", heavy_tails, moved(0.3), "shift 0.3"),
        ("counts, Poisson of 5", counts, more_counts, "Poisson of 6"),
        ("zero-inflated, 60% zeros", zero_inflated, replaced(0.375, 0.0), "75% zeros"),
        ("20 categories", categories(20), replaced(0.15, 0.0), "15% become the first"),
        ("200 categories, long tail", categories(200), replaced(0.15, 0.0), "15% become the first"),
    )
    for name, draw, change, what in laws:
        is_category = "categories" in name
        yield Stream(name=f"{name}, no drift", draw=draw, is_category=is_category)
        yield Stream(name=f"{name}, {what}", draw=draw, change=change, is_category=is_category)
    yield Stream(
        name="N(0,1), missing rate from 0 to 5%", draw=normal, change=replaced(0.05, float("nan"))
    )


def _joint_streams() -> Iterator[Stream]:
    changes: tuple[tuple[str, Change | None], ...] = (
        ("no drift", None),
        ("those of one column fall to .2", loosened),
        ("shift .1 sd in all columns", moved(0.1)),
    )
    for what, change in changes:
        name = f"10 columns, correlations of .5, {what}"
        yield Stream(name=name, draw=correlated, change=change, windows=100, is_joint=True)


STREAMS: tuple[Stream, ...] = (
    *_normal_streams(),
    *_dependent_streams(),
    *_other_laws(),
    *_joint_streams(),
)


def write(path: Path) -> None:
    """Draw every stream from its own seed into one npz file."""
    drawn: dict[str, FloatArray] = {}
    for place, stream in enumerate(STREAMS):
        rng = np.random.default_rng([SEED, place])
        values = stream.draw(rng, stream.reference + stream.windows * stream.rows)
        reference, windows = np.split(values, [stream.reference])
        if stream.change is not None:
            windows = stream.change(rng, windows)
        drawn[f"reference {place}"] = reference
        drawn[f"windows {place}"] = windows
    np.savez(path, allow_pickle=False, **drawn)


def read(path: Path) -> Iterator[tuple[Stream, Table, list[Table]]]:
    """Yield each stream with its reference and its windows."""
    with np.load(path) as drawn:
        for place, stream in enumerate(STREAMS):
            windows = drawn[f"windows {place}"]
            yield (
                stream,
                _columns(drawn[f"reference {place}"], stream),
                [_columns(part, stream) for part in np.split(windows, stream.windows)],
            )


def _columns(values: FloatArray, stream: Stream) -> Table:
    names = [f"column_{i}" for i in range(COLUMNS)]
    if not stream.is_category:
        return {name: values[:, i].copy() for i, name in enumerate(names)}
    texts = [f"category {i}" for i in range(200)]
    return {name: [texts[int(v)] for v in values[:, i]] for i, name in enumerate(names)}
