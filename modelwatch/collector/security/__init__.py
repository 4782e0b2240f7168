"""Who may do what: tokens, the gate before both servers, sessions of browsers, the audit log."""

from __future__ import annotations
