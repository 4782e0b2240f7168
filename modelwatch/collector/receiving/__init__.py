"""What comes in: OTLP from services, in and checked."""

from __future__ import annotations
