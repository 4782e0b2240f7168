"""The OpenTelemetry instrumentor of scikit-learn, XGBoost and LightGBM."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import wrapt

import modelwatch as mw
from modelwatch_estimators.classes import ReplacedMethods

if TYPE_CHECKING:  # its own module tells type checkers to pass it over
    BaseInstrumentor = ABC
else:
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

__all__ = ["EstimatorInstrumentor"]

_CHANGES: Final[Mapping[str, Callable[[ReplacedMethods, Any], None]]] = {
    "joblib.parallel": lambda methods, module: methods.pass_on(module.Parallel),
    "lightgbm.basic": lambda methods, module: methods.watch(module.Booster),
    "sklearn.base": lambda methods, module: methods.watch_tree(module.BaseEstimator),
    "xgboost.core": lambda methods, module: methods.watch(module.Booster),
}
"""What is done to each module when it is loaded."""


class EstimatorInstrumentor(BaseInstrumentor):
    """Watches ``predict`` and ``predict_proba`` of all estimators, where the service says so.

    Training and cross-validation predict as well, so it does nothing unless
    ``MODELWATCH_SERVING=true``. The outermost call is the prediction: a pipeline's, not its steps',
    a forest's, not its trees'. What ``fit`` and ``score`` predict is not watched.

    It loads none of the three: classes are changed when their modules are loaded, or at once.
    """

    _methods: ReplacedMethods | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return none: any of the three may be absent."""
        return ()

    def _instrument(self, **_options: Any) -> None:
        if not mw.is_serving_from_environment():
            return
        methods = self._methods = ReplacedMethods()
        for name, change in _CHANGES.items():
            wrapt.register_post_import_hook(self._hook(methods, change), name)

    def _uninstrument(self, **_options: Any) -> None:
        methods, self._methods = self._methods, None
        if methods is not None:
            methods.put_back()

    def _hook(
        self, methods: ReplacedMethods, change: Callable[[ReplacedMethods, Any], None]
    ) -> Callable[[Any], None]:
        def hook(module: Any) -> None:
            if self._methods is methods:  # else it was taken back before the module was loaded
                change(methods, module)

        return hook
