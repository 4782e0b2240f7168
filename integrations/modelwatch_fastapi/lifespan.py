"""Flushes a watch at the end of an app's life, as the server tells of it by the lifespan protocol.

A server may end the process by the very signal that stopped it, and no other hook of Python runs
then.
"""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import modelwatch as mw

__all__ = ["serve_lifespan"]

_FLUSHED_KEY: Final = "modelwatch.flushed"


async def serve_lifespan(
    app: ASGIApp, watch: mw.Watch, scope: Scope, receive: Receive, send: Send
) -> None:
    """Run an app's lifespan, and flush before the end of its own shutdown is reported.

    For an app that raises or returns at once, as those do that know nothing of lifespans, startup
    and shutdown are answered here; a server takes such an app as well.

    Args:
        app: the app.
        watch: flushed once, in however many middlewares of one app it is.
        scope: the lifespan's.
        receive: returns the server's messages.
        send: takes the app's.
    """
    flushed: list[mw.Watch] = scope.setdefault(_FLUSHED_KEY, [])
    if any(found is watch for found in flushed):
        await app(scope, receive, send)
        return
    flushed.append(watch)
    has_spoken = False

    async def flushing(message: Message) -> None:
        nonlocal has_spoken
        has_spoken = True
        if message["type"].startswith("lifespan.shutdown."):
            await run_in_threadpool(watch.flush)
        await send(message)

    asked: list[Message] = []

    async def listening() -> Message:
        message = await receive()
        asked.append(message)
        return message

    try:
        await app(scope, listening, flushing)
    except Exception:
        if has_spoken:
            raise
    if not has_spoken:
        await _answer(asked, receive, flushing)


async def _answer(asked: list[Message], receive: Receive, send: Send) -> None:
    """Answer in place of an app that has no lifespan, and which may have heard a part of it."""
    while True:
        message = asked.pop(0) if asked else await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
