"""How a `Baseline` is made of the data that a model was trained on, in passes over its rows."""
