"""Services that serve other features than were trained on, and such that drift."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.telemetry.wire import encode_logs, encode_metrics
from tests import plain_http
from tests.collector.conftest import NOW_NS, PROTOBUF, SECOND, Running, Start, eventually

MODEL, VERSION = "fares", "1"
MINUTE = 60 * SECOND
FIRST_NS = NOW_NS - NOW_NS % MINUTE

Change = Callable[[dict[str, Any]], None]


def served(seed: int, rows: int) -> dict[str, Any]:
    """Return rows as in training: degrees Celsius, euros, a country."""
    random = np.random.default_rng(seed)
    return {
        "temperature": random.normal(12.0, 8.0, rows).round(1).tolist(),
        "amount": random.lognormal(3.0, 0.8, rows).round(2).tolist(),
        "country": random.choice(["DE", "FR", "IT"], rows, p=[0.5, 0.3, 0.2]).tolist(),
    }


@pytest.fixture(scope="module")
def trained() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(served(0, 6_000), model=MODEL, version=VERSION)


class Service:
    """A service that exports once a minute; its clock is the collector's.

    Args:
        start: starts collectors.
        baseline: what its watch counts with.
    """

    def __init__(self, start: Start, baseline: mw.Baseline) -> None:
        self._start = start
        self._baseline = baseline
        self.now_ns = FIRST_NS
        self.collector = self.started()
        address = self.address("/baseline")
        assert plain_http.put(address, content=baseline.to_json()).status_code == 201

    def started(self) -> Running:
        """Start a collector on the same store, as after the end of the one before."""
        self.collector = self._start(clock=lambda: self.now_ns)
        return self.collector

    def address(self, rest: str) -> str:
        """Return an address of the version."""
        return self.collector.version(rest, model=MODEL, version=VERSION)

    def serve(self, change: Change = lambda _: None, *, rows: int = 800) -> dict[str, Any]:
        """Serve for a minute, and return the window as it was judged."""
        seed = self.now_ns // MINUTE % 1_000
        columns = served(seed, rows)
        change(columns)
        profile = mw.Profile.empty(MODEL, VERSION, baseline=self._baseline, instance="a")
        profile.update(columns)
        profile.start_ns, profile.end_ns = self.now_ns, self.now_ns + MINUTE
        self.now_ns += MINUTE
        resource = {"service.instance.id": "a"}
        logs = encode_logs(profile, resource=resource)
        sent = plain_http.post(f"{self.collector.otlp}/v1/logs", content=logs, headers=PROTOBUF)
        assert sent.status_code == 200
        body = encode_metrics(profile, resource=resource)
        assert self.collector.post(body).status_code == 200
        assert eventually(lambda: self._is_judged(rows))
        return self.drift()

    def windows(self) -> list[dict[str, Any]]:
        """Return the judged windows."""
        told: list[dict[str, Any]] = plain_http.get(self.address("/windows")).json()["windows"]
        return told

    def _is_judged(self, rows: int) -> bool:
        windows = self.windows()
        return bool(windows) and (windows[-1]["end"], windows[-1]["rows"]) == (
            iso(self.now_ns),
            rows,
        )

    def drift(self) -> dict[str, Any]:
        """Return the latest minute, as it was judged."""
        end = self.now_ns // SECOND
        told: dict[str, Any] = plain_http.get(self.address(f"/drift?window=1m&end={end}")).json()
        return told

    def page(self) -> str:
        """Return the page of the latest minute."""
        end = self.now_ns // SECOND
        path = f"/models/{MODEL}/versions/{VERSION}?window=1m&end={end}"
        return plain_http.get(f"{self.collector.api}{path}").text


def iso(time_ns: int) -> str:
    """Return a time as the API has it."""
    moment = np.datetime64(time_ns // SECOND, "s")
    return f"{moment}.000Z"


@pytest.fixture
def service(start: Start, trained: mw.Baseline) -> Service:
    """A service that was just deployed."""
    return Service(start, trained)


def kelvin(columns: dict[str, Any]) -> None:
    """Serve Kelvin for degrees Celsius."""
    columns["temperature"] = [value + 273.15 for value in columns["temperature"]]


def cents(columns: dict[str, Any]) -> None:
    """Serve cents for euros."""
    columns["amount"] = [round(100 * value) for value in columns["amount"]]


@pytest.mark.parametrize(
    ("change", "name", "cause", "words"),
    [
        (kelvin, "temperature", "temperature_unit", "kelvin"),
        (cents, "amount", "scale_change", "values are 100 times the baseline"),
    ],
)
def test_another_unit_from_the_first_row_on_is_skew(
    service: Service, change: Change, name: str, cause: str, words: str
) -> None:
    """It is skew since the deployment with its cause, and is so for another collector process."""
    deployed = service.now_ns
    for number in range(3):
        if number == 2:
            service.started()
        told = service.serve(change)["features"][name]
        assert (told["severity"], told["origin"], told["since_ns"]) == ("drift", "skew", deployed)
        assert told["cause"] == cause
        assert words in told["diagnosis"].lower()
    others = {n: f["origin"] for n, f in service.drift()["features"].items() if n != name}
    assert set(others.values()) == {None}
    assert [window["features"][name]["origin"] for window in service.windows()] == ["skew"] * 3
    page = service.page()
    assert "<h2>Training-serving skew</h2>" in page
    said = f"<strong>{name}</strong> differs from training since the first window after deployment"
    assert said in page


def test_another_unit_that_comes_later_is_drift(service: Service) -> None:
    """What began in the third window is drift since then, for another collector process too."""
    service.serve()
    service.serve()
    began = service.now_ns
    for number in range(2):
        told = service.serve(cents)["features"]["amount"]
        assert (told["origin"], told["since_ns"], told["cause"]) == ("drift", began, "scale_change")
        if number == 0:
            service.started()
    assert "<h2>Training-serving skew</h2>" not in service.page()
    assert [w["features"]["amount"]["origin"] for w in service.windows()] == [
        None, None, "drift", "drift"
    ]  # fmt: skip


def test_too_few_rows_at_first_wait_for_more(service: Service) -> None:
    """The first minute of a deployment has three rows: the next one tells, since the first."""
    deployed = service.now_ns
    assert service.serve(cents, rows=3)["features"]["amount"]["origin"] is None
    told = service.serve(cents)["features"]["amount"]
    assert (told["origin"], told["since_ns"]) == ("skew", deployed)


def test_another_form_is_told_before_there_are_rows_enough(service: Service) -> None:
    """What never comes, comes as text, is spelled otherwise or unknown is named in three rows."""

    def otherwise(columns: dict[str, Any]) -> None:
        del columns["temperature"]
        columns["amount"] = [str(value) for value in columns["amount"]]
        columns["country"] = [value.lower() for value in columns["country"]]
        columns["coupon"] = [1.0] * len(columns["amount"])

    told = service.serve(otherwise, rows=3)
    assert [(one["name"], one["kind"], one["share"]) for one in told["schema"]] == [
        ("temperature", "absent", 1.0),
        ("amount", "wrong_type", 1.0),
        ("country", "spelling", 1.0),
        ("coupon", "unexpected", 1.0),
    ]
    page = service.page()
    assert "<strong>temperature</strong> never comes" in page
    assert "<strong>coupon</strong> not in the baseline, so not judged" in page


def test_a_watched_service_is_told_of_at_once(start: Start, trained: mw.Baseline) -> None:
    """Rows of a real watch, in another unit, are skew before the first window is finished."""
    collector = start(clock=time.time_ns, window_seconds=3_600)
    address = collector.version("/baseline", model=MODEL, version=VERSION)
    assert plain_http.put(address, content=trained.to_json()).status_code == 201
    watch = mw.Watch(MODEL, version=VERSION, baseline=trained, endpoint=collector.otlp)
    columns = served(1, 800)
    kelvin(columns)
    watch.log(columns, [0.5] * 800)
    assert watch.shutdown(timeout_seconds=30)
    told = plain_http.get(
        collector.version("/drift?window=1h", model=MODEL, version=VERSION)
    ).json()
    assert told["features"]["temperature"]["origin"] == "skew"
    assert told["features"]["temperature"]["cause"] == "temperature_unit"
