"""A LitServe server whose API's predict method is watched."""

from __future__ import annotations

import math
import signal
import sys

import litserve

import modelwatch as mw

watch = mw.Watch("churn", version="1")


class ChurnAPI(litserve.LitAPI):
    """Says how likely a customer is to leave."""

    def setup(self, device: str) -> None:
        """Prepare a worker. LitServe ends it by a signal, which is to end it in good order."""
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))

    @watch
    def predict(self, features: dict[str, float]) -> dict[str, float]:
        """Return the score of one customer."""
        strain = features["calls"] - features["years"]
        return {"score": 1 / (1 + math.exp(-strain))}


if __name__ == "__main__":
    server = litserve.LitServer(ChurnAPI(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
