"""What runs beside the functions of one watch: from a captured row to a delivered message."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from modelwatch.baseline import Baseline
from modelwatch.capture.baseline_source import BaselineSource
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.fold_thread import FoldThread
from modelwatch.capture.model_identity import ModelIdentity
from modelwatch.capture.nothing_captured import say_disabled, say_if_nothing_captured
from modelwatch.capture.options import interval_seconds
from modelwatch.capture.recorder import Recorder
from modelwatch.capture.spans import tracer_of, tracing_provider
from modelwatch.capture.trace_examples import example_events
from modelwatch.model_fingerprint import Fingerprint
from modelwatch.profile import Profile
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.export_queue import Told
from modelwatch.telemetry.exporter import Exporter
from modelwatch.telemetry.names import SERVICE_INSTANCE_ID
from modelwatch.telemetry.privacy import Privacy
from modelwatch.telemetry.resource import (
    fingerprint_attributes,
    process_resource,
    resource_after_fork,
)
from modelwatch.telemetry.transport import Transport, TransportOptions, open_transport

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Pipeline"]

_BASELINE_WAIT_SECONDS: Final = 0.5
"""A collector that is well answers in a few milliseconds; opening a client takes some tens, and on
a busy machine some hundreds."""


class Pipeline:
    """The recorder of one watch in one process, and the threads that take from it.

    Thread-safe and fork-safe. Threads start at the first watched call.

    Args:
        model: the model's name.
        version: its version.
        baseline: a baseline, its file, the URL of a collector, or None.
        collector: URL of the collector that steers, or None.
        declared: what the watch was told of its inputs.
        buffer_rows: captured rows that may wait.
        endpoint: of the OTLP receiver; the environment's where None.
        export_interval_seconds: between two exports; the environment's where None.
        privacy: what is held back.
        fingerprint: of the model that is served, or its file.
        transport: what delivers messages; by the environment where None.
        tracer_provider: makes spans; the global one where None.
        track_predictions: whether predictions that somebody can know by an id are told.
        enabled: whether anything is captured.

    Attributes:
        recorder: where watched calls are kept.
        privacy: as given; may be replaced.
        is_installed: whether some function is watched, or some call was told of.

    Raises:
        ConfigurationError: where an argument or environment variable cannot work.
        FormatError: where the baseline's file is absent or damaged.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        baseline: str | os.PathLike[str] | Baseline | None,
        collector: str | None,
        declared: DeclaredInputs,
        buffer_rows: int,
        endpoint: str | None,
        export_interval_seconds: float | None,
        privacy: Privacy,
        fingerprint: Fingerprint | str | os.PathLike[str] | None,
        transport: Transport | None,
        tracer_provider: TracerProvider | None,
        track_predictions: bool,
        enabled: bool,
    ) -> None:
        self.privacy = privacy
        self.is_installed = False
        self._tracer_provider = tracer_provider
        self._traced_by: TracerProvider | None = None
        self.recorder = Recorder(
            model,
            version,
            capacity_rows=buffer_rows,
            start=self._start,
            declared=declared,
            track_predictions=track_predictions,
        )
        self.recorder.tells = lambda feature: not self.privacy.hides(feature)
        self._guard = self.recorder.guard
        self.source = BaselineSource(
            baseline if enabled else None,
            model=model,
            version=version,
            adopt=self.recorder.adopt,
            guard=self._guard,
            collector=collector if enabled else None,
            steer=self.recorder.steer,
        )
        self.identity = ModelIdentity(fingerprint, guard=self._guard)
        self._fold_thread = FoldThread(self._fold, self._guard)
        options = TransportOptions.from_environment(endpoint)
        self._resource = process_resource() if enabled else {}
        self._exporter = Exporter(
            collect=self._collect,
            before_interval=self._before_interval,
            transport=transport if transport is not None else open_transport(options),
            resource=lambda: {
                **self._resource,
                **fingerprint_attributes(self.identity.fingerprint),
            },
            collect_events=self._collect_events,
            privacy=lambda: self.privacy,
            interval_seconds=interval_seconds(export_interval_seconds),
            guard=self._guard,
            options=ExportOptions.from_environment(),
        )
        if not enabled:
            self.recorder.close()
            say_disabled(model, version)

    def begin(self) -> None:
        """Ask for the baseline, and look at the model's file; once, when the watch is made."""
        self.identity.start()
        self.source.seek(wait_seconds=_BASELINE_WAIT_SECONDS)
        self.identity.mismatches(self.recorder.last_plan.baseline)

    def flush(self, timeout_seconds: float) -> bool:
        """Send all that was captured; True where it was delivered in time."""
        delivered = self._exporter.flush(timeout_seconds)
        self._check_captures()
        return delivered

    def shutdown(self, timeout_seconds: float) -> bool:
        """Send all that was captured and capture no more; a second call does nothing."""
        delivered = self._shut_down(timeout_seconds)
        self._check_captures()
        return delivered

    def after_fork(self) -> None:
        """Start anew in a forked child: what was captured before is the parent's to send."""
        self._resource = resource_after_fork(self._resource)
        parts = (self.recorder, self.source, self._fold_thread, self._exporter, self.identity)
        for part in parts:
            part.reset()

    def before_exit(self, timeout_seconds: float) -> None:
        """Begin to send what there is when the interpreter exits."""
        with self._guard:
            self._exporter.begin_shutdown(timeout_seconds)

    def at_exit(self, timeout_seconds: float) -> None:
        """Shut down when the interpreter exits; does no harm where that was done, or begun."""
        with self._guard:
            self._end(timeout_seconds)
            self._check_captures(is_end=True)

    def _shut_down(self, timeout_seconds: float) -> bool:
        return self.recorder.is_closed or self._end(timeout_seconds)

    def _end(self, timeout_seconds: float) -> bool:
        self.recorder.close()
        self._fold_thread.stop()
        return self._exporter.shutdown(timeout_seconds)

    def _check_captures(self, *, is_end: bool = False) -> None:
        """Say so where the watch is installed and nothing was captured."""
        if self.is_installed:
            say_if_nothing_captured(self.recorder, self._guard, is_end=is_end)

    def _start(self) -> None:
        self._find_tracer()
        self._fold_thread.start()
        self._exporter.start()
        self.identity.start()
        self.source.seek()

    def _fold(self) -> None:
        """Do what has to be done every now and then; in the fold thread."""
        self._find_tracer()
        self.recorder.tally.count_unsampled()
        self.recorder.folder.fold_full()

    def _find_tracer(self) -> None:
        """Look whether the application has set a tracer provider since the last time."""
        provider = tracing_provider(self._tracer_provider)
        if provider is not self._traced_by:
            self._traced_by = provider
            self.recorder.trace(tracer_of(provider) if provider is not None else None)

    def _collect(self) -> list[Profile]:
        """Cut the window; in the exporter's thread."""
        profiles = self.recorder.folder.cut(self.recorder.last_plan)
        baseline = self.recorder.last_plan.baseline
        differing = self.identity.mismatches(baseline)
        for profile in profiles:
            profile.instance = str(self._resource[SERVICE_INSTANCE_ID])
            if baseline is not None and profile.baseline_id == baseline.id:
                profile.mismatches.update(differing)
        with self._guard:
            self._tell_examples(profiles)
        return profiles

    def _collect_events(self) -> tuple[list[Told], Counter[str]]:
        """Return what is told beside profiles, and how much was dropped; in the same thread."""
        recorder = self.recorder
        events, dropped = recorder.events.take()
        told: list[Told] = [*events]
        with self._guard:
            predictions, lost = recorder.known.take()
            told += predictions
            dropped += lost
        labels, lost = recorder.labels.take()
        dropped += lost
        if labels is not None and self._tells_labels():
            told.append(labels)
        elif labels is not None:
            dropped["redacted"] += len(labels.ids)
        return told, dropped

    def _tells_labels(self) -> bool:
        """Tell whether labels may leave: they tell of the column that they are of."""
        baseline = self.recorder.last_plan.baseline
        columns = ("label",) if baseline is None else (baseline.label, baseline.prediction)
        return all(self.recorder.tells(name) for name in columns if name is not None)

    def _tell_examples(self, profiles: Sequence[Profile]) -> None:
        recorder = self.recorder
        telling, sampled = recorder.traced.take()
        if telling or sampled:
            events = example_events(
                telling,
                sampled,
                profiles,
                model=recorder.model,
                version=recorder.version,
                tells=recorder.tells,
            )
            recorder.events.add_examples(events)

    def _before_interval(self) -> None:
        """Look for the baseline and for trouble; in the exporter's thread."""
        self.source.seek()
        if self.recorder.folder.calls_seen:
            self._check_captures()
