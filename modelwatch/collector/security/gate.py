"""The layer before a server: who asks, may they, and from where.

Pure ASGI, and small: it stands before every export. The application behind it sees only requests
that are allowed, with `principals.current_principal` set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelwatch.collector.security.door import REALM, Door
from modelwatch.collector.security.origins import HostNames, is_cross_site
from modelwatch.collector.security.people import SIGN_IN_PATH, path_sent, wanted
from modelwatch.collector.security.principals import STRANGER, Principal, acting_as
from modelwatch.collector.security.refusals import Refusal
from modelwatch.collector.security.rules import SAFE_METHODS, Need
from modelwatch.errors import StoreError

__all__ = ["Gate", "address_of"]


class Gate:
    """Lets requests in that are allowed, and refuses the others.

    Args:
        app: what is behind it.
        door: knows who asks.
        needs: says what a method and a path need.
        names: by which the server may be called.
        refuse: makes the answer of a refusal.
        leads_to_sign_in: whether a browser without a session is led to the form for that.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        needs: Callable[[str, str], Need],
        names: HostNames,
        refuse: Callable[[Scope, Refusal], Response],
        leads_to_sign_in: bool,
    ) -> None:
        self._app = app
        self._door = door
        self._needs = needs
        self._names = names
        self._refuse = refuse
        self._leads_to_sign_in = leads_to_sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Once into a dictionary: each look into a list of headers would cost more than that.
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            principal = await self._admitted(scope, headers)
        except Refusal as refusal:
            await self._answer(scope, headers, refusal)(scope, receive, send)
            return
        with acting_as(principal):
            await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope, headers: Mapping[str, str]) -> Principal:
        method = scope["method"]
        need = self._needs(method, path_sent(scope))
        if not (need.by_any_name or self._names.takes(headers.get("host"))):
            raise Refusal(
                421,
                "unknown-host",
                f"this collector is not called {headers.get('host')!r}: use its own address, or "
                "start it with --allowed-host NAME.",
            )
        authorization = headers.get("authorization", "")
        if method not in SAFE_METHODS and not authorization and is_cross_site(headers):
            raise Refusal(
                403,
                "cross-site-request",
                "a page of another site had this sent: changes are made from the collector's own "
                "pages, or with a token.",
            )
        try:
            principal = await self._door.recognise(
                "" if need.is_open else authorization,
                headers.get("cookie", ""),
                address=address_of(scope),
                secure=scope["scheme"] == "https",
            )
        except StoreError as error:
            if need.is_open:
                return STRANGER
            raise Refusal(503, "store-failed", str(error), {"Retry-After": "2"}) from error
        return _allowed(principal, need)

    def _answer(self, scope: Scope, headers: Mapping[str, str], refusal: Refusal) -> Response:
        is_page = "text/html" in headers.get("accept", "") and scope["method"] in SAFE_METHODS
        if refusal.status == 401 and self._leads_to_sign_in and is_page:
            return RedirectResponse(f"{SIGN_IN_PATH}?next={quote(wanted(scope), safe='')}", 303)
        return self._refuse(scope, refusal)


def _allowed(principal: Principal | None, need: Need) -> Principal:
    if need.is_open:
        return principal or STRANGER
    if principal is None:
        raise Refusal(
            401,
            "no-token",
            "a token is needed: send it as `Authorization: Bearer TOKEN`; `modelwatch token "
            "create` makes one.",
            {"WWW-Authenticate": REALM},
        )
    wanted = " or ".join(need.scopes)
    if not principal.has(*need.scopes):
        raise Refusal(
            403,
            "insufficient-scope",
            f"this token may not do that: it needs the scope {wanted}.",
            {
                "WWW-Authenticate": f'{REALM}, error="insufficient_scope", '
                f'scope="{" ".join(need.scopes)}"'
            },
        )
    if principal.is_limited and not need.by_model:
        raise Refusal(
            403,
            "limited-token",
            "this token may read of some models only, and this tells of all: it needs one that is "
            "not limited.",
        )
    return principal


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
