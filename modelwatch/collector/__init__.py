"""The collector: receives OTLP, keeps profiles, compares windows with baselines, shows both."""

from __future__ import annotations
