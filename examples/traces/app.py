"""A service that traces its requests: each prediction has a span of its own below its request.

Spans go where ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` says, by the service's own tracer provider;
what the watch sends goes where ``OTEL_EXPORTER_OTLP_ENDPOINT`` says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel

import modelwatch as mw

ROWS = 5_000

provider = TracerProvider(resource=Resource.create({"service.name": "loans-service"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("loans")


class Loan(BaseModel):
    """What is known of a loan that somebody asks for."""

    amount: float
    income: float
    purpose: str


def fit_baseline() -> mw.Baseline:
    """Return the baseline of made-up loans."""
    random = np.random.default_rng(3)
    loans = {
        "amount": random.normal(20_000, 4_000, ROWS),
        "income": random.normal(60_000, 9_000, ROWS),
        "purpose": random.choice(["car", "house", "studies"], ROWS).tolist(),
    }
    return mw.Baseline.fit(loans, model="loans", version="2")


watch = mw.Watch("loans", version="2", baseline=fit_baseline())


@watch
def risk(loan: Loan) -> float:
    """Return the risk of a loan, in [0, 1]."""
    with tracer.start_as_current_span("look up earlier loans"):
        earlier = 0.05
    return min(max(loan.amount / max(loan.income, 1.0), earlier), 1.0)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Deliver what waits when the service ends."""
    yield
    watch.shutdown()
    provider.shutdown()


app = FastAPI(title="loans", lifespan=lifespan)


@app.post("/risk")
def answer(loan: Loan) -> dict[str, float]:
    """Answer a request."""
    return {"risk": risk(loan)}


FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, exclude_spans=["receive", "send"])
