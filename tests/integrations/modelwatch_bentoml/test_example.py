from __future__ import annotations

from pathlib import Path

from tests.integrations.modelwatch_bentoml.serving import serve

EXAMPLE = Path(__file__).parents[3] / "examples" / "bentoml_service"
LEAVES = {"years": 3, "calls": 9}
STAYS = {"years": 9, "calls": 3}
REQUESTS = 10


def test_example() -> None:
    """The example answers as it says, and each of its services tells of each customer once."""
    with serve("service:Churn", folder=EXAMPLE) as example:
        asked = [LEAVES, STAYS] * (REQUESTS // 2)
        answers = [example.client.post("offer", json={"customer": row}) for row in asked]
    assert [answer.text for answer in answers] == ["discount", "nothing"] * (REQUESTS // 2)
    assert len({answer.headers["x-prediction-id"] for answer in answers}) == REQUESTS
    assert example.predictions("churn-offer") == {"": REQUESTS}
    assert example.rows("churn-score") == REQUESTS
    for model in ("churn-offer", "churn-score"):
        assert {"years", "calls"} <= example.features(model)
