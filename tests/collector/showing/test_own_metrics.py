from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric

from modelwatch.collector.alerting.alert_store import Delivery
from modelwatch.collector.receiving.forwarding import Forwarded
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.showing.own_metrics import notice_metrics, receiver_metrics


def values(families: Iterable[Metric], name: str) -> dict[tuple[str, ...], float]:
    """Return the values of one metric by the values of its labels."""
    samples = [sample for family in families for sample in family.samples]
    return {tuple(s.labels.values()): s.value for s in samples if s.name == name}


def test_notices_are_told_by_target() -> None:
    """What was sent, failed, was given up and waits is told of each target."""
    families = notice_metrics({"oncall": Delivery(waiting=1, sent=2, failures=3, given_up=4)})
    assert values(families, "modelwatch_collector_notices_total") == {
        ("oncall", "sent"): 2,
        ("oncall", "failed"): 3,
        ("oncall", "given_up"): 4,
    }
    assert values(families, "modelwatch_collector_notices_waiting") == {("oncall",): 1}


def test_what_is_sent_on_is_told_where_anything_is() -> None:
    """A collector that sends on what it receives tells what became of it; another tells nothing."""
    counts, forwarded = ReceiverCounts(), Forwarded(sent=5, expired=2, waiting=1)
    assert values(receiver_metrics(counts), "modelwatch_collector_forwarded_total") == {}
    counts.tell("forwarded", lambda: vars(forwarded))
    families = receiver_metrics(counts)
    told = values(families, "modelwatch_collector_forwarded_total")
    assert (told["sent",], told["expired",], told["refused",]) == (5, 2, 0)
    assert values(families, "modelwatch_collector_forwards_waiting") == {(): 1}
