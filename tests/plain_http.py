"""Requests over plain HTTP, for which no certificates are read: that takes ten times as long."""

from __future__ import annotations

from functools import partial

import httpx

__all__ = ["delete", "get", "post", "put"]

delete = partial(httpx.delete, verify=False)
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
put = partial(httpx.put, verify=False)
