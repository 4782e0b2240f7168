"""The parts of the receiver put together: what takes, what sends on, and the way in over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
from starlette.types import ASGIApp

from modelwatch.collector.outcomes.protocols import OutcomeSink
from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.forwarding import Forwarder
from modelwatch.collector.receiving.grpc_receiver import GrpcReceiver
from modelwatch.collector.receiving.limits import read_limits
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.receiving.outcome_admission import OutcomeAdmission
from modelwatch.collector.receiving.outcome_intake import OutcomeIntake
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.receiver import Receiver
from modelwatch.collector.storing.store import ArrivalSink, ExampleSink
from modelwatch.collector.time_bounds import TimeBounds

__all__ = ["Intake"]

GRACE_SECONDS: Final = 5.0
"""How long calls under way may take once the collector is told to stop."""


class Intake:
    """Belongs to one event loop.

    Args:
        sink: commits.
        limits: what bounds memory.
        counts: is told of all, and shows what the parts know.
        options: what is taken, and where it is sent on to.
        outcomes: keeps predictions and labels.
        clock: Unix nanoseconds.
        examples: keeps traces that show something; nobody does where None.
        bounds: between which the time lies; where None, the clock is believed.

    Attributes:
        receiver: takes OTLP/HTTP.
        outcomes: takes predictions and labels, whichever way they come.
        accepting: set once calls of gRPC are taken too.
        grpc_address: where they are; empty where nowhere.
    """

    def __init__(
        self,
        sink: ArrivalSink,
        limits: ReceiverLimits,
        counts: ReceiverCounts,
        options: ReceivingOptions,
        *,
        outcomes: OutcomeSink,
        clock: Callable[[], int],
        examples: ExampleSink | None = None,
        bounds: TimeBounds | None = None,
    ) -> None:
        limited = read_limits({}, options.limits)
        self._admission = admission = Admission(limited, options.clocks, clock=clock, bounds=bounds)
        self._forwarder = Forwarder(options.forward) if options.forward else None
        self._grpc: GrpcReceiver | None = None
        self._options = options
        self._limits = limits
        self.accepting = asyncio.Event()
        self.grpc_address = ""
        self.outcomes = OutcomeIntake(outcomes, OutcomeAdmission(admission), counts)
        exports = Exports(
            sink,
            limits,
            counts,
            admission=admission,
            forwarder=self._forwarder,
            examples=examples,
            outcomes=self.outcomes,
        )
        self.receiver = Receiver(exports, limits, counts)
        counts.tell("names_heard", admission.shown)
        counts.tell("clocks", admission.clocks.shown)
        if self._forwarder is not None:
            counts.tell("forwarded", self._forwarder.shown)

    def limit(self, table: Mapping[str, Any]) -> None:
        """Hold to ``[limits]`` of a configuration file from now on, and to what goes before it.

        Raises:
            ConfigurationError: a limit is unknown or cannot be.
        """
        self._admission.limit(read_limits(table, self._options.limits))

    def listen(
        self, app: ASGIApp, *, host: str, credentials: grpc.ServerCredentials | None = None
    ) -> None:
        """Listen for gRPC, where that is wanted.

        Args:
            app: the receiver, with whatever checks its requests.
            host: address to listen on.
            credentials: TLS; plain text where None.

        Raises:
            ConfigurationError: the port cannot be listened on.
        """
        port = self._options.otlp_grpc_port
        if port is not None:
            limit = self._limits.max_body_bytes
            self._grpc = GrpcReceiver(
                app, host=host, port=port, max_body_bytes=limit, credentials=credentials
            )
            self.grpc_address = self._grpc.address

    async def run(self, stop: asyncio.Event) -> None:
        """Take calls of gRPC and send on, until ``stop`` is set and what is under way is done."""
        if self._grpc is not None:
            await self._grpc.start()
        self.accepting.set()
        if self._forwarder is not None:
            await self._forwarder.run(stop)
        await stop.wait()
        if self._grpc is not None:
            await self._grpc.stop(grace_seconds=GRACE_SECONDS)
