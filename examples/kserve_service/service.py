"""A KServe model server whose model is watched."""

from __future__ import annotations

import math
from typing import Any

import kserve

import modelwatch as mw

watch = mw.Watch("churn", version="1")


class Churn(kserve.Model):
    """Says how likely customers are to leave."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ready = True

    def predict(
        self, payload: dict[str, Any], headers: dict[str, str] | None = None
    ) -> dict[str, list[float]]:
        """Answer a request of KServe's V1 protocol."""
        return {"predictions": self.scores(payload["instances"])}

    @watch
    def scores(self, rows: list[dict[str, float]]) -> list[float]:
        """Return the score of each row."""
        return [1 / (1 + math.exp(row["years"] - row["calls"])) for row in rows]

    def stop(self) -> None:
        """Send what was captured; KServe calls this as the server stops."""
        watch.shutdown()


if __name__ == "__main__":
    kserve.ModelServer().start([Churn("churn")])
