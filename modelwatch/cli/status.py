"""``modelwatch status``: the models that a collector knows, and how they are."""

from __future__ import annotations

from modelwatch.cli.collector_client import CollectorOption, get_json
from modelwatch.cli.console import print_text

__all__ = ["status"]


def status(collector: CollectorOption = None) -> None:
    """List the models that the collector knows, and their verdicts.

    \b
    Examples:
      modelwatch status
      modelwatch status --collector http://10.0.0.5:4319
    """
    print_text(str(get_json("/api/v1/models", collector)))
