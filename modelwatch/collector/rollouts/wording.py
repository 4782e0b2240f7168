"""How a suggestion is said: its title, and its JSON document. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from modelwatch.collector.rollouts.made import MadeSuggestion
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.encoded_paths import path_of

__all__ = ["page_of", "rollout_path", "suggestion_document", "title_of"]

_TITLES = {
    "promote": "promote {version} in place of {stable}",
    "roll_back": "roll {version} back to {stable}",
    "retrain": "retrain {version}",
    "keep_watching": "keep watching {version}",
}


def title_of(made: MadeSuggestion) -> str:
    """Return one line that says what should be done."""
    what = _TITLES[made.kind].format(version=made.version, stable=made.stable)
    return f"[suggestion] {made.model}: {what}"


def rollout_path(model: str, stable: str, candidate: str) -> str:
    """Return the path of the page on which two versions are compared."""
    asked = urlencode({"stable": stable, "candidate": candidate})
    return f"{path_of('models', model, 'rollout')}?{asked}"


def page_of(made: MadeSuggestion, pages_url: str) -> str:
    """Return the address of the page that shows what the suggestion is of."""
    base = pages_url.rstrip("/")
    if made.stable is not None:
        return f"{base}{rollout_path(made.model, made.stable, made.version)}"
    return f"{base}{path_of('models', made.model, 'versions', made.version)}"


def suggestion_document(made: MadeSuggestion, *, pages_url: str = "") -> dict[str, Any]:
    """Return a suggestion as the API and the webhooks have it."""
    return {
        "id": made.id,
        "model": made.model,
        "suggestion": made.kind,
        "version": made.version,
        "stable": made.stable,
        "words": made.words,
        "reasons": list(made.reasons),
        "evidence": [dict(one) for one in made.figures],
        "made": iso(made.made_ns),
        "ended": iso(made.ended_ns),
        "ended_by": made.ended_by,
        "page": page_of(made, pages_url),
    }
