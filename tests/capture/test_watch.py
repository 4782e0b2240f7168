from __future__ import annotations

import multiprocessing
import os
import sys
import textwrap
import threading
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.trace import TracerProvider

import modelwatch as mw
from modelwatch.errors import ConfigurationError, FormatError
from modelwatch.telemetry.transport import Outcome
from tests.watched import MakeWatch, Watched

Row = dict[str, Any]
ROOT = Path(__file__).parents[2]


def score(features: Any) -> float:
    """Return a score for whatever comes."""
    return 0.5


def scores(features: list[Row]) -> np.ndarray[Any, Any]:
    """Return a score a row."""
    return np.full(len(features), 0.5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"version": ""}, "version"),
        ({"buffer_rows": 0}, "buffer_rows"),
        ({"buffer_rows": True}, "buffer_rows"),
        ({"export_interval_seconds": 0}, "export_interval_seconds"),
        ({"export_interval_seconds": "60"}, "export_interval_seconds"),
        ({"endpoint": "collector:4318"}, "endpoint"),
        ({"baseline": 3}, "baseline"),
        ({"baseline": "http://"}, "baseline"),
        ({"version": "2"}, "version '1'.*'2'"),
    ],
)
def test_wrong_options_are_refused(make_watch: MakeWatch, options: Row, named: str) -> None:
    """An argument that cannot work is named at construction, with the remedy."""
    with pytest.raises(ConfigurationError, match=named):
        make_watch(**options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_METRIC_EXPORT_INTERVAL", "often"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no pairs"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/absent.pem"),
        ("MODELWATCH_ENABLED", "maybe"),
    ],
)
def test_wrong_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A variable that cannot be read is named at construction."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        mw.Watch("m", version="1")


def test_a_damaged_or_absent_baseline_is_refused(make_watch: MakeWatch, tmp_path: Path) -> None:
    """A baseline file that cannot be used is found when the service starts."""
    path = tmp_path / "m.baseline.json"
    with pytest.raises(FormatError, match=r"m\.baseline\.json"):
        make_watch(baseline=path)
    path.write_text("{]", encoding="utf-8")
    with pytest.raises(FormatError, match=r"m\.baseline\.json"):
        make_watch(baseline=str(path))


def test_the_baseline_is_read_from_a_file(
    make_watch: MakeWatch, baseline: mw.Baseline, tmp_path: Path
) -> None:
    """A path works as well as a baseline."""
    path = tmp_path / "m.baseline.json"
    baseline.save(path)
    loaded = make_watch(baseline=path).watch.baseline
    assert loaded is not None
    assert loaded.id == baseline.id


def test_predictions_arrive_as_a_profile(watched: Watched, row: Row) -> None:
    """What is captured is sent at a flush, with the window and the process that saw it."""
    predict = watched.watch(score)
    for _ in range(100):
        predict(row)
    assert watched.watch.flush(timeout_seconds=10)
    (profile,) = watched.transport.profiles()
    assert (profile.model, profile.version, profile.rows) == ("m", "1", 100)
    assert profile.predictions == {"": 100}
    assert profile.instance
    assert 0 < profile.start_ns < profile.end_ns


def test_windows_follow_each_other(watched: Watched, row: Row) -> None:
    """Each flush sends what came since the last; nothing is counted twice, no time is left out."""
    predict = watched.watch(score)
    for calls in (3, 4):
        for _ in range(calls):
            predict(row)
        watched.watch.flush(timeout_seconds=10)
    first, second = sorted(watched.transport.profiles(), key=lambda found: found.start_ns)
    assert (first.rows, second.rows) == (3, 4)
    assert first.end_ns <= second.start_ns


def test_logged_predictions_are_captured(watched: Watched, row: Row) -> None:
    """log() does for other code what the decorator does: one row or a batch."""
    watched.watch.log(row, 0.5)
    watched.watch.log([row, row], [0.5, 0.6])
    watched.watch.log(row, {"late": True, "score": 0.25})
    watched.watch.log_failure("RequestValidationError")
    profile = watched.profile()
    assert profile.rows == 4
    assert profile.features["score"].observed == 4
    assert profile.predictions == {"": 3, "RequestValidationError": 1}


@pytest.mark.parametrize(
    ("change", "missing", "outliers"),
    [
        ({"amount": None}, {"null": 1}, {"missing": 1}),
        ({"amount": float("nan")}, {"nan": 1}, {"missing": 1}),
        ({"amount": float("inf")}, {"inf": 1}, {"range": 1}),
        ({"amount": "12"}, {"wrong_type": 1}, {"type": 1}),
        ({"amount": [1, 2]}, {"wrong_type": 1}, {"type": 1}),
        ({"amount": object()}, {"wrong_type": 1}, {"type": 1}),
        ({"amount": -1e12}, {}, {"range": 1}),
    ],
)
def test_bad_values_go_through_and_are_counted(
    watched: Watched, row: Row, change: Row, missing: dict[str, int], outliers: dict[str, int]
) -> None:
    """Whatever a value is, the prediction is made, and the value is counted for what it is."""
    assert watched.watch(score)(row | change) == 0.5
    amount = watched.profile().features["amount"]
    assert (amount.missing, amount.outliers) == (missing, outliers)


def test_rows_of_other_shapes_go_through_and_are_counted(watched: Watched, row: Row) -> None:
    """Absent, extra and no features at all: the prediction is made, and each is counted."""
    predict = watched.watch(score)
    assert predict({"amount": 100.0}) == 0.5
    assert predict(row | {"speed": 3.0}) == 0.5
    assert predict({}) == 0.5
    assert predict(dict.fromkeys(row)) == 0.5
    features = watched.profile().features
    assert features["count"].missing == {"absent": 2, "null": 1}
    assert features["speed"].missing == {"absent": 3}
    assert features["speed"].observed == 1


def test_calls_without_readable_features_are_counted(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """A call whose argument is no row goes through, is counted, and is said loudly."""
    predict = watched.watch(score)
    assert predict("text") == 0.5
    assert predict(None) == 0.5
    watched.watch.flush(timeout_seconds=10)
    (profile,) = watched.transport.profiles()
    assert (profile.rows, profile.dropped) == (0, {"unreadable": 2})
    assert profile.predictions == {"": 2}
    assert "captured 0 rows" in caplog.text


def test_an_unused_watch_is_said_loudly(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A watch that is installed and never called says so at the end."""
    watched.watch(score)
    watched.watch.shutdown()
    assert "captured 0 rows" in caplog.text


def test_without_a_baseline_features_are_discovered(make_watch: MakeWatch) -> None:
    """Names and kinds are taken from what comes; inputs and outputs are told apart."""
    watched = make_watch(baseline=None)

    @watched.watch
    def predict(features: Row) -> Row:
        return {"price": 3.0, "grade": "a"}

    predict({"area": 50.0, "city": "Rome"})
    predict({"area": 60.0, "city": "Rome", "late": True})
    predict({"city": "Oslo", "area": 70.0})
    predict({"area": 80.0})
    watched.watch.log([{"area": 1.0, "city": "Rome"}], [{"price": 2.0, "grade": "b"}])
    profile = watched.profile()
    assert profile.rows == 5
    assert profile.baseline_id is None
    roles = {name: (found.role, found.kind) for name, found in profile.features.items()}
    assert roles == {
        "area": ("input", "numeric"),
        "city": ("input", "categorical"),
        "late": ("input", "categorical"),
        "price": ("output", "numeric"),
        "grade": ("output", "categorical"),
    }
    assert profile.features["area"].observed == 5
    assert profile.features["city"].missing == {"absent": 1}
    assert profile.features["price"].observed == 5


@pytest.mark.parametrize("part", ["check", "read", "quick", "output", "fold", "encode", "keep"])
def test_a_fault_of_ours_never_reaches_a_prediction(
    make_watch: MakeWatch, row: Row, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Wherever modelwatch breaks, predictions come back as they are, and calls are counted."""

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a fault of ours")

    watched = make_watch()
    recorder = watched.watch.recorder
    plan = recorder.last_plan
    places: dict[str, tuple[Any, str]] = {
        "check": (plan, "check"),
        "read": (recorder, "read"),
        "output": (plan.outputs, "columns"),
        "fold": (mw.Profile, "update"),
        "encode": (sys.modules["modelwatch.telemetry.exporter"], "encode_metrics"),
        "quick": (plan, "read"),
        "keep": (recorder, "keep_row"),
    }
    monkeypatch.setattr(*places[part], broken)

    @watched.watch
    def predict(features: Row) -> float:
        return 0.5

    @watched.watch
    def failing(features: Row) -> float:
        raise ValueError("the user's own")

    rows: list[Any] = [row, row, row | {"amount": 1e9}, [row]]
    assert [predict(found) for found in rows] == [0.5] * 4
    with pytest.raises(ValueError, match="the user's own"):
        failing(row)
    watched.watch.flush(timeout_seconds=10)
    assert recorder.guard.count > 0
    assert mw.current_prediction() is None
    if part in ("check", "read", "quick", "output", "fold"):
        total = sum(found.predictions.total() for found in watched.transport.profiles())
        assert total == 5


class Hostile:
    """A value that raises wherever it is looked at."""

    def __float__(self) -> float:
        raise RuntimeError("hostile")

    def __str__(self) -> str:
        raise RuntimeError("hostile")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("hostile")

    def __hash__(self) -> int:
        raise RuntimeError("hostile")


def test_a_hostile_value_does_not_end_the_capture(watched: Watched, row: Row) -> None:
    """A value that fails a fold costs that fold's rows once; later it is a wrong type."""
    predict = watched.watch(score)
    assert predict(row | {"amount": Hostile()}) == 0.5
    watched.watch.recorder.folder.fold()
    for features in (row, row | {"amount": Hostile(), "city": Hostile()}):
        assert predict(features) == 0.5
    profile = watched.profile()
    assert profile.dropped == {"fault": 1}
    assert (profile.rows, profile.predictions) == (2, {"": 3})
    assert profile.features["amount"].missing == {"wrong_type": 1}
    assert profile.features["city"].missing == {"wrong_type": 1}


@pytest.mark.parametrize("value", [np.datetime64("NaT"), 1j])
def test_numbers_of_odd_types_cost_no_row(watched: Watched, row: Row, value: object) -> None:
    """A value that no number can be made of is counted as such, and the rows are kept."""
    predict = watched.watch(score)
    assert predict(row) == predict(row | {"amount": value}) == 0.5
    profile = watched.profile()
    assert (profile.rows, profile.features["amount"].observed) == (2, 1)


def test_a_full_buffer_drops_and_counts(make_watch: MakeWatch, row: Row) -> None:
    """Memory is bounded: rows beyond the buffer are dropped and counted, and calls still are."""
    watched = make_watch(buffer_rows=100)
    recorder = watched.watch.recorder
    recorder.is_started = True  # nothing is folded meanwhile
    recorder.append = recorder.buffer.rows.append
    predict = watched.watch(score)
    for _ in range(1_000):
        predict(row)
    for _ in range(50):
        predict([row] * 10)
    assert len(recorder.buffer) <= 200
    profile = watched.profile()
    assert profile.rows == 200
    assert profile.dropped == {"buffer_full": 900 + 400}
    assert profile.predictions == {"": 1_050}
    assert profile.duration.total == 1_050


def test_ever_new_features_take_bounded_memory(make_watch: MakeWatch, row: Row) -> None:
    """Feature names made of request data do not grow a profile without end."""
    watched = make_watch()
    predict = watched.watch(score)
    for number in range(2_000):
        predict(row | {f"request {number}": number})
    profile = watched.profile()
    assert profile.rows == 2_000
    assert len(profile.features) <= 3 + 1 + 50


def test_threads_are_counted_exactly(make_watch: MakeWatch, row: Row) -> None:
    """Eight threads at once: every call, row and failure is counted once."""
    watched = make_watch(buffer_rows=1_000_000)

    @watched.watch
    def predict(features: Row) -> float:
        if features["count"] == 0:
            raise ValueError("empty")
        return 0.5

    def work() -> None:
        for number in range(1_000):
            if number % 10:
                predict(row)
            else:
                with pytest.raises(ValueError, match="empty"):
                    predict(row | {"count": 0})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watched.watch.flush(timeout_seconds=30)
    profiles = watched.transport.profiles()
    assert sum(found.rows for found in profiles) == 8_000
    assert sum(found.predictions[""] for found in profiles) == 7_200
    assert sum(found.predictions["ValueError"] for found in profiles) == 800


def _child(watched: Watched, predict: Any, row: Row, results: Any) -> None:
    for _ in range(7):
        predict(row)
    delivered = watched.watch.flush(timeout_seconds=20)
    sent = watched.transport.profiles()[1:]  # the first is the parent's, from before the fork
    results.put((delivered, [found.rows for found in sent], [found.instance for found in sent]))


def test_forked_children_count_their_own(watched: Watched, row: Row) -> None:
    """A child starts from zero, with its own threads and instance id; the parent loses nothing."""
    predict = watched.watch(score)
    predict(row)
    watched.watch.flush(timeout_seconds=10)  # the parent's threads run now
    for _ in range(5):
        predict(row)
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    children = [
        context.Process(target=_child, args=(watched, predict, row, results)) for _ in range(3)
    ]
    for child in children:
        child.start()
    found = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert [(delivered, rows) for delivered, rows, _ in found] == [(True, [7])] * 3
    watched.watch.flush(timeout_seconds=10)
    profiles = watched.transport.profiles()
    assert sum(profile.rows for profile in profiles) == 6
    instances = {instances[0] for _, _, instances in found} | {profiles[0].instance}
    assert len(instances) == 4


def test_flush_has_a_deadline(watched: Watched, row: Row) -> None:
    """A flush gives up in time where the collector does not take the data."""
    watched.transport.outcome = Outcome(status="unreachable", message="down")
    watched.watch(score)(row)
    assert watched.watch.flush(timeout_seconds=0.2) is False


def test_after_shutdown_functions_go_on(watched: Watched, row: Row) -> None:
    """A shut down watch delivers what it had, captures no more, and harms nothing."""
    predict = watched.watch(score)
    predict(row)
    assert watched.watch.shutdown()
    assert predict(row) == 0.5
    assert watched.watch.shutdown()
    assert sum(found.rows for found in watched.transport.profiles()) == 1


@pytest.mark.parametrize("way", ["sys.exit(0)", "pass", "raise SystemExit(3)"])
def test_an_orderly_exit_delivers(tmp_path: Path, way: str) -> None:
    """What was captured is sent when the interpreter exits, with no call to flush or shutdown."""
    script = f"""
        import sys
        import modelwatch as mw
        from modelwatch.telemetry.transport import Outcome

        class ToFile:
            def send(self, signal, body, *, timeout_seconds=None):
                with open(sys.argv[1], "ab") as file:
                    file.write(signal.encode())
                return Outcome(status="accepted")
            def close(self):
                pass

        watch = mw.Watch("m", version="1", transport=ToFile())
        predict = watch(lambda features: 0.5)
        predict({{"a": 1.0}})
        {way}
    """
    path = tmp_path / "sent"
    code = textwrap.dedent(script)
    run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False, timeout=60)
    assert b"metrics" in path.read_bytes()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_end_of_a_multiprocessing_child_delivers(tmp_path: Path, method: str) -> None:
    """Children of multiprocessing skip atexit; what they captured is sent all the same."""
    script = f"""
        import multiprocessing
        import os
        import modelwatch as mw
        from modelwatch.telemetry.transport import Outcome

        class ToFile:
            def send(self, signal, body, *, timeout_seconds=None):
                with open(f"sent-{{os.getpid()}}", "ab") as file:
                    file.write(signal.encode())
                return Outcome(status="accepted")
            def close(self):
                pass

        watch = mw.Watch("m", version="1", transport=ToFile())

        @watch
        def predict(features):
            return 0.5

        def work():
            predict({{"a": 1.0}})

        if __name__ == "__main__":
            predict({{"a": 1.0}})
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=work) for _ in range(2)]
            for child in children:
                child.start()
            for child in children:
                child.join()
    """
    path = tmp_path / "main.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run([sys.executable, str(path)], cwd=tmp_path, env=environment, check=True, timeout=60)
    sent = [found.read_bytes() for found in tmp_path.glob("sent-*")]
    assert sent == [b"metricslogs"] * 3


def test_a_span_that_does_not_record_changes_nothing(watched: Watched, row: Row) -> None:
    """Rows are captured alike in sampled and in unsampled spans."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("test")
    with tracer.start_as_current_span("request"):
        watched.watch(score)(row)
    assert watched.profile().rows == 1


def test_large_batches_are_captured(watched: Watched, row: Row) -> None:
    """A batch of thousands of rows is one call and all its rows."""
    rows = [row | {"amount": 100.0 + number / 1_000} for number in range(5_000)]
    watched.watch(scores)(rows)
    profile = watched.profile()
    assert (profile.rows, profile.predictions) == (5_000, {"": 1})
    assert profile.features["score"].observed == 5_000
