from __future__ import annotations

import sys

from tests.integrations.examples import EXAMPLES, Example
from tests.server_process import free_port


def test_kserve() -> None:
    """What a KServe model predicts is counted, and sent as the server stops."""
    port = free_port()
    options = ["--http_port", str(port), "--enable_grpc", "false"]
    Example(
        command=[sys.executable, "service.py", *options],
        folder=EXAMPLES / "kserve_service",
        address=f"http://127.0.0.1:{port}",
        path="/v1/models/churn:predict",
        body={"instances": [{"years": 3, "calls": 4}]},
    ).check()
