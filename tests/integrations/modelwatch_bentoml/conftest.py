"""These tests run where BentoML is installed: in the environment of `make frameworks`."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

collect_ignore = ["services"]  # served by the tests, in processes of their own

if find_spec("bentoml"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BentoML warns of what it uses itself
        import bentoml

        assert bentoml.service
else:
    collect_ignore_glob = ["*.py"]
