"""One request and its response as a prediction: inputs from the one, outputs from the other."""

from __future__ import annotations

from time import perf_counter
from typing import Final, Protocol

from starlette.types import Message, Receive, Send

import modelwatch as mw
from modelwatch_fastapi.json_bodies import JsonBodies, JsonBody
from modelwatch_fastapi.middleware import INVALID_REQUEST, UNPROCESSABLE

__all__ = ["Exchange"]

_FIRST_FAILURE: Final = 400
_FIRST_SERVER_FAILURE: Final = 500
_NO_OUTPUT: Final[dict[str, object]] = {}


class _ObservedCall(Protocol):
    """What a watch tells the result of."""

    def finish(self, output: object) -> None: ...

    def fail(self, error_type: str) -> None: ...


class Exchange:
    """One request between its begin and its end.

    Args:
        watch: what captures the prediction.
        bodies: makes what a body is collected in.
        request: collects the request's; None where it is not in the sample.
        receive: returns the server's messages.
        send: takes the app's.
        sample_rate: the share of requests that are in it.
    """

    __slots__ = (
        "_bodies",
        "_dropped",
        "_is_over",
        "_observed",
        "_receive",
        "_request",
        "_response",
        "_sample_rate",
        "_send",
        "_started",
        "_status",
        "_watch",
    )

    def __init__(
        self,
        watch: mw.Watch,
        bodies: JsonBodies,
        request: JsonBody | None,
        receive: Receive,
        send: Send,
        sample_rate: float = 1.0,
    ) -> None:
        self._watch = watch
        self._sample_rate = sample_rate
        self._bodies = bodies
        self._request = request
        self._response: JsonBody | None = None
        self._receive = receive
        self._send = send
        self._observed: _ObservedCall | None = None
        self._dropped = "not_sampled"
        self._is_over = False
        self._status = _FIRST_SERVER_FAILURE  # what servers answer for an app that does not
        self._started = perf_counter()

    @property
    def error_type(self) -> str:
        """What went wrong, by the response's status; empty where nothing did."""
        if self._status < _FIRST_FAILURE:
            return ""
        return INVALID_REQUEST if self._status == UNPROCESSABLE else f"HTTP {self._status}"

    async def receive(self) -> Message:
        """Pass a message on to the app."""
        message = await self._receive()
        request = self._request
        if message["type"] == "http.request":
            if request is not None:
                request.add(message.get("body", b""))
            if not message.get("more_body", False):
                self._started = perf_counter()
                if request is not None:
                    self._observe(request)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if self._observed is not None and self._status < _FIRST_FAILURE:
                self._response = self._bodies.collect(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            if self._response is not None:
                self._response.add(message.get("body", b""))
            # After a server's failure an exception may come, which tells more.
            is_last = not message.get("more_body", False)
            if is_last and self._status < _FIRST_SERVER_FAILURE:
                self.end(self.error_type)

    def end(self, error_type: str) -> None:
        """Count the prediction, once; it failed where the error has a type."""
        if self._is_over:
            return
        self._is_over = True
        observed, self._observed, self._request = self._observed, None, None
        if observed is None:
            duration = perf_counter() - self._started
            self._watch.count(duration, error_type, dropped=self._dropped)
        elif error_type:
            observed.fail(error_type)
        else:
            observed.finish(self._output())

    def _observe(self, request: JsonBody) -> None:
        self._request = None
        inputs = request.read()
        if request.refusal:
            self._dropped = "unreadable"
            self._bodies.tell("request", request)
        else:
            self._observed = self._watch.observe(inputs, sample_rate=self._sample_rate)

    def _output(self) -> object:
        response, self._response = self._response, None
        if response is None:
            return _NO_OUTPUT
        output = response.read()
        if response.refusal:
            self._bodies.tell("response", response)
            return _NO_OUTPUT
        return output
