"""How good a model's predictions are, with labels and without, from summaries that merge. No I/O.

With labels: `LabelledSummary` or `RegressionSummary`, and `realized`. Without: `ScoreSummary`,
`fit_calibration` and `estimate_classification` (CBPE), or `fit_loss_model`, `QuadraticMoments` and
`estimate_regression` (DLE). Each metric comes as an `Estimate`, with its 95% interval.

One concept a module. The package itself imports none of them: a service keeps the summaries, and
needs no estimate.
"""
