"""How a browser gets in: a form that takes a token and gives a session for it."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelwatch.collector.receiving.bodies import read_body
from modelwatch.collector.security.door import Door
from modelwatch.collector.security.gate import address_of
from modelwatch.collector.security.people import PAGE_HEADERS, SIGN_IN_PATH, path_sent, template
from modelwatch.collector.security.refusals import Refusal
from modelwatch.collector.security.sessions import ended_cookie, set_cookie
from modelwatch.errors import BodyTooLarge, StoreError

__all__ = ["SignIn"]

SIGN_OUT_PATH: Final = "/sign-out"

_MOST_BYTES: Final = 4_096
_TIMEOUT_SECONDS: Final = 10.0


class SignIn:
    """ASGI layer with the pages ``/sign-in`` and ``/sign-out``; the rest goes to the application.

    Args:
        app: what is behind it.
        door: knows tokens, and begins sessions.
    """

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = path_sent(scope) if scope["type"] == "http" else ""
        if path not in (SIGN_IN_PATH, SIGN_OUT_PATH):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(path, request)
        await response(scope, receive, send)

    async def _answer(self, path: str, request: Request) -> Response:
        if path == SIGN_IN_PATH and request.method in ("GET", "HEAD"):
            return self._form(request.query_params.get("next", "/"))
        if request.method != "POST":
            allowed = "GET, POST" if path == SIGN_IN_PATH else "POST"
            return HTMLResponse("", 405, {"Allow": allowed})
        return await self._enter(request) if path == SIGN_IN_PATH else self._leave(request)

    def _form(self, following: str, *, status: int = 200, remark: str = "") -> Response:
        text = template("sign_in.html").render(following=_within(following), remark=remark)
        return HTMLResponse(text, status, PAGE_HEADERS)

    async def _enter(self, request: Request) -> Response:
        following = "/"
        try:
            fields = await _fields(request)
            following = fields.get("next", "/")
            value = await self._door.sign_in(fields.get("token", ""), address_of(request.scope))
        except Refusal as refusal:
            return self._form(following, status=refusal.status, remark=refusal.detail)
        except StoreError as error:
            return self._form(following, status=503, remark=str(error))
        response = RedirectResponse(_within(following), 303, {"Cache-Control": "no-store"})
        response.headers.append("Set-Cookie", set_cookie(value, secure=_is_secure(request)))
        return response

    def _leave(self, request: Request) -> Response:
        secure = _is_secure(request)
        self._door.sign_out(request.headers.get("cookie", ""), secure=secure)
        response = RedirectResponse(SIGN_IN_PATH, 303, {"Cache-Control": "no-store"})
        response.headers.append("Set-Cookie", ended_cookie(secure=secure))
        return response


async def _fields(request: Request) -> dict[str, str]:
    try:
        body = await read_body(request, limit=_MOST_BYTES, timeout_seconds=_TIMEOUT_SECONDS)
        fields = parse_qs(body.decode("ascii"), max_num_fields=8)
    except (BodyTooLarge, ClientDisconnect, TimeoutError, ValueError) as error:
        raise Refusal(400, "damaged-form", "the form could not be read: try again.") from error
    return {name: values[-1] for name, values in fields.items()}


def _within(path: str) -> str:
    r"""Return a path of this server; the first page in place of an address of another.

    >>> _within("/models/a?window=1h"), _within("//evil.example"), _within("/\\evil.example")
    ('/models/a?window=1h', '/', '/')
    """
    inside = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return quote(path, safe="/%?&=:@+,;~!$'()*-._") if inside else "/"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
