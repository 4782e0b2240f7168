from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bentoml
import pytest
from bentoml.exceptions import UnprocessableEntity

import modelwatch as mw
import modelwatch_bentoml
from modelwatch.errors import ConfigurationError
from tests.watched import FakeTransport

# BentoML itself uses what pydantic has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRAINING = {
    "area": [30.0 + number % 100 for number in range(1_000)],
    "rooms": [1 + number % 5 for number in range(1_000)],
}
UNLIKE = {"area": -9_000.0, "rooms": 3}


@pytest.fixture
def transport() -> FakeTransport:
    """Keeps what is sent."""
    return FakeTransport()


@pytest.fixture
def watch(transport: FakeTransport) -> Iterator[mw.Watch]:
    """A watch of a model of house prices."""
    baseline = mw.Baseline.fit(TRAINING, model="houses", version="1")
    watch = mw.Watch(
        "houses",
        version="1",
        baseline=baseline,
        transport=transport,
        export_interval_seconds=3_600.0,
    )
    yield watch
    watch.shutdown()


class Prices:
    """What a service is made of."""

    def price(self, area: float, rooms: int) -> float:
        """Return a price."""
        return area * rooms

    def discounted(self, area: float, rooms: int, ctx: bentoml.Context) -> float:
        """Return a price."""
        return area * rooms / 2

    def named(self, features: dict[str, float], ctx: bentoml.Context) -> float:
        """Return a price."""
        return features["area"]


def service_of(**methods: Any) -> Any:
    """Return a service with these methods."""
    return bentoml.service(type("Houses", (), methods))


def calls_of(transport: FakeTransport, watch: mw.Watch) -> int:
    """Return how many predictions the watch has told of."""
    watch.flush()
    return sum(profile.predictions.total() for profile in transport.profiles())


@pytest.mark.parametrize("route", ["price", "/price", "/cheap"])
def test_methods_are_found_by_name_or_route(
    route: str, watch: mw.Watch, transport: FakeTransport
) -> None:
    """A route is the name of a method, or where it is served."""
    api = bentoml.api(route="/cheap") if route == "/cheap" else bentoml.api
    service = service_of(price=api(Prices.price))
    modelwatch_bentoml.instrument(service, watch, routes=[route])
    assert service().price(area=50.0, rooms=3) == 150.0
    assert calls_of(transport, watch) == 1


@pytest.mark.parametrize("routes", [["/prize"], ["price", "x"], "price"])
def test_unknown_routes_are_refused(routes: Any, watch: mw.Watch) -> None:
    """A route that is none is refused by name, and nothing is changed."""
    service = service_of(price=bentoml.api(Prices.price))
    with pytest.raises(ConfigurationError, match=r"'/prize' is|'x' is|give a list of routes"):
        modelwatch_bentoml.instrument(service, watch, routes=routes)
    assert service.middlewares == []


@pytest.mark.parametrize("wrong", [Prices, None, "prices"])
def test_what_is_no_service_is_refused(wrong: Any, watch: mw.Watch) -> None:
    """Only what the decorator of a service returns can be instrumented."""
    with pytest.raises(ConfigurationError, match="no service"):
        modelwatch_bentoml.instrument(wrong, watch)


def test_several_features_beside_the_context_are_refused(watch: mw.Watch) -> None:
    """The context is no feature; where it stands beside several, the remedy is named."""
    service = service_of(discounted=bentoml.api(Prices.discounted))
    with pytest.raises(ConfigurationError, match="beside 'ctx'"):
        modelwatch_bentoml.instrument(service, watch, routes=["discounted"])


def test_one_parameter_beside_the_context(watch: mw.Watch, transport: FakeTransport) -> None:
    """The parameter beside the context holds the features."""
    service = service_of(named=bentoml.api(Prices.named))
    modelwatch_bentoml.instrument(service, watch, routes=["named"])
    assert service().named(features={"area": 50.0, "rooms": 3}, ctx=None) == 50.0
    assert calls_of(transport, watch) == 1


def test_refusals_have_a_status(watch: mw.Watch) -> None:
    """A refused input is an error with a status of BentoML's, and says of whom it is."""
    service = service_of(price=bentoml.api(watch(on_outlier="raise")(Prices.price)))
    modelwatch_bentoml.instrument(service, watch)
    with pytest.raises(UnprocessableEntity, match="area") as caught:
        service().price(**UNLIKE)
    assert isinstance(caught.value.__cause__, mw.OutlierRejected)


def test_services_that_share_a_method(watch: mw.Watch, transport: FakeTransport) -> None:
    """Instrumenting a service leaves another one alone that inherits the same methods."""

    class Houses:
        price = bentoml.api(Prices.price)

    first = bentoml.service(type("First", (Houses,), {}))
    second = bentoml.service(type("Second", (Houses,), {}))
    modelwatch_bentoml.instrument(first, watch, routes=["price"])
    first().price(area=50.0, rooms=3)
    second().price(area=50.0, rooms=3)
    assert calls_of(transport, watch) == 1
    modelwatch_bentoml.uninstrument(first)
    assert first.inner.price is Houses.price


def test_uninstrument_undoes_all(watch: mw.Watch, transport: FakeTransport) -> None:
    """After uninstrument the service is as it was, however often it was instrumented."""
    service = service_of(price=bentoml.api(Prices.price))
    own = service.apis["price"]
    for routes in (["price"], None, ["/price"]):
        modelwatch_bentoml.instrument(service, watch, routes=routes)
    modelwatch_bentoml.uninstrument(service)
    modelwatch_bentoml.uninstrument(service)
    assert service.apis["price"] is service.inner.price is own
    assert (own.func, service.middlewares) == (Prices.price, [])
    assert service().price(area=50.0, rooms=3) == 150.0
    assert calls_of(transport, watch) == 0


@pytest.mark.parametrize("is_above", [True, False])
def test_both_orders_of_the_decorators(
    is_above: bool, watch: mw.Watch, transport: FakeTransport
) -> None:
    """A watch above or below the API's decorator captures, also without `instrument`."""
    price = watch(bentoml.api(Prices.price)) if is_above else bentoml.api(watch(Prices.price))
    service = service_of(price=price)
    assert list(service.apis) == ["price"]
    assert service().price(area=50.0, rooms=3) == 150.0
    assert calls_of(transport, watch) == 1
