from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.integrations.examples import EXAMPLES, PROGRAMS, Example
from tests.server_process import free_port


def test_django() -> None:
    """What a Django view's function predicts in two workers of gunicorn is counted once each."""
    port = free_port()
    bound = ["--workers", "2", "--bind", f"127.0.0.1:{port}"]
    answers = Example(
        command=[sys.executable, "-m", "gunicorn", *bound, "service:application"],
        folder=EXAMPLES / "django_service",
        address=f"http://127.0.0.1:{port}",
        path="/predict",
    ).check()
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == len(answers)


def test_litserve() -> None:
    """What a worker of LitServe predicts is counted, though LitServe ends it by a signal."""
    port = free_port()
    Example(
        command=[sys.executable, "service.py", str(port)],
        folder=EXAMPLES / "litserve_service",
        address=f"http://127.0.0.1:{port}",
        ready="/health",
        path="/predict",
        stop=signal.SIGINT,
    ).check()


def test_mlflow(tmp_path: Path) -> None:
    """A model that MLflow has saved and serves is watched, and flushed by the instrumentor."""
    folder, port = EXAMPLES / "mlflow_pyfunc", free_port()
    saving = "import mlflow, sys; mlflow.pyfunc.save_model(sys.argv[1], python_model='model.py')"
    saved = str(tmp_path / "saved")
    subprocess.run([sys.executable, "-c", saving, saved], cwd=folder, check=True)
    command = ["opentelemetry-instrument", "mlflow", "models", "serve", "--env-manager", "local"]
    answers = Example(
        command=[str(PROGRAMS / command[0]), *command[1:], "-m", saved, "--port", str(port)],
        folder=folder,
        address=f"http://127.0.0.1:{port}",
        ready="/ping",
        path="/invocations",
        body={"dataframe_records": [{"years": 3, "calls": 4}]},
    ).check(MODELWATCH_MODEL="churn", MODELWATCH_VERSION="1")
    assert all(answer.headers["x-prediction-id"] for answer in answers)
