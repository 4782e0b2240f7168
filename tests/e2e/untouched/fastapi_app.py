"""A service that knows nothing of modelwatch."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Customer(BaseModel):
    age: float
    country: str


@app.post("/predict")
async def predict(customer: Customer) -> dict[str, float]:
    """Predict, or fail."""
    if customer.age < 0:
        raise ValueError("no such age")
    return {"score": customer.age / 100}


@app.get("/health")
def health() -> str:
    """Answer."""
    return "well"
