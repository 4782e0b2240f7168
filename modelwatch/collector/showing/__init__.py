"""Results where people look already: metrics for Prometheus, and OTLP to any endpoint."""

from __future__ import annotations
