"""What is shown: the HTTP API and the pages."""

from __future__ import annotations
