"""Replicas of a few models, and what they send: exports made of some templates, all different.

Most windows end by a right clock. Some replicas have clocks that are ahead or behind; some exports
come late, and some twice. From noon on, the inputs of the first model drift.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from isal import igzip

import modelwatch as mw
from modelwatch.telemetry.wire import encode_metrics
from tests.benchmarks.bench_export import RESOURCE, table

__all__ = ["DRIFTING", "HOUR_NS", "MODELS", "Export", "Fleet"]

MODELS: Final = ("churn", "fraud", "price", "search")
DRIFTING: Final = MODELS[0]
DRIFT_SHARE: Final = 0.5
HOUR_NS: Final = 3_600 * 10**9

TEMPLATES: Final = 6
LATE: Final = 0.01
TWICE: Final = 0.01
_SKEWS_SECONDS: Final = {3: 300, 4: -7_200, 5: 5_400}
"""Of the replicas of a model whose number has this remainder by 100."""

_INSTANCE: Final = RESOURCE["service.instance.id"].encode()
_TIMES: Final = (1_700_000_000_123_456_789, 1_700_000_060_987_654_321)


@dataclass(frozen=True, slots=True)
class Export:
    """One request, the model and the window of an hour that it tells of, and its rows."""

    request: bytes
    model: str
    window: int
    rows: int


class Fleet:
    """Makes what replicas send.

    Args:
        replicas: of all models.
        seed: of what is late, and what comes twice.
    """

    def __init__(self, replicas: int, *, seed: int = 1) -> None:
        self._replicas = replicas
        self._random = random.Random(seed)
        trained = table(1, 10_000)
        self.baselines = {
            name: mw.Baseline.fit(trained, model=name, version="3") for name in MODELS
        }
        self._calm = {name: self._templates(name, shift=0.0) for name in MODELS}
        self._drifting = {**self._calm, DRIFTING: self._templates(DRIFTING, shift=1.5)}
        self._late: dict[int, list[Export]] = {}

    def step(
        self, number: int, *, end_ns: int, interval_seconds: float, drifts: bool
    ) -> list[Export]:
        """Return what is sent in one interval.

        Args:
            number: of the interval.
            end_ns: when it ends.
            interval_seconds: how long it is.
            drifts: whether the first model's inputs have moved.
        """
        exports = self._late.pop(number, [])
        for export in self._fresh(end_ns, int(interval_seconds * 10**9), drifts=drifts):
            chance = self._random.random()
            if chance < LATE:
                self._late.setdefault(number + self._random.randint(2, 8), []).append(export)
                continue
            exports.append(export)
            if chance > 1 - TWICE:
                exports.append(export)
        self._random.shuffle(exports)
        return exports

    def rest(self) -> list[Export]:
        """Return what is late still."""
        found = [export for number in sorted(self._late) for export in self._late[number]]
        self._late.clear()
        return found

    def _fresh(self, end_ns: int, interval_ns: int, *, drifts: bool) -> Iterator[Export]:
        templates = self._drifting if drifts else self._calm
        for replica in range(self._replicas):
            model = MODELS[replica % len(MODELS)]
            skew_ns = _SKEWS_SECONDS.get(replica // len(MODELS) % 100, 0) * 10**9
            ended_ns = end_ns - replica * interval_ns // self._replicas + skew_ns
            body, rows = self._random.choice(templates[model])
            request = _request(body, b"%036d" % replica, (ended_ns - interval_ns, ended_ns))
            yield Export(request, model, (ended_ns - 1) // HOUR_NS, rows)

    def _templates(self, model: str, *, shift: float) -> list[tuple[bytes, int]]:
        made = []
        for number in range(TEMPLATES):
            rows = 800 + 50 * number + len(model)
            columns: dict[str, Any] = table(10 + number, rows)
            for name in list(columns)[:5]:
                columns[name] = columns[name] + shift * columns[name].std()
            profile = mw.Profile.empty(model, "3", baseline=self.baselines[model])
            profile.update(columns)
            profile.start_ns, profile.end_ns = _TIMES
            made.append((encode_metrics(profile, resource=RESOURCE), rows))
        return made


def _request(template: bytes, instance: bytes, times_ns: tuple[int, int]) -> bytes:
    body = template.replace(_INSTANCE, instance)
    for before_ns, now_ns in zip(_TIMES, times_ns, strict=True):
        body = body.replace(before_ns.to_bytes(8, "little"), now_ns.to_bytes(8, "little"))
    packed = igzip.compress(body, 1)
    head = (
        "POST /v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
        f"Content-Type: application/x-protobuf\r\nContent-Length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed
