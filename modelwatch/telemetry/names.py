"""Every name on the wire, in one table: metrics, events, attributes of points and of spans.

Prefix ``modelwatch.``; ``service.*`` and ``error.type`` are OpenTelemetry's own.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BASELINE_ID",
    "DROP_REASON",
    "ERROR_TYPE",
    "EVENTS_DROPPED",
    "EXAMPLE",
    "EXAMPLE_FEATURES",
    "EXPORT_FAILURES",
    "FEATURE_CATEGORIES",
    "FEATURE_CATEGORY",
    "FEATURE_KIND",
    "FEATURE_MISSING",
    "FEATURE_MOMENTS",
    "FEATURE_NAME",
    "FEATURE_OUTLIERS",
    "FEATURE_ROLE",
    "FEATURE_VALUE",
    "FINGERPRINT_MISMATCHES",
    "FINGERPRINT_PART",
    "JOINT_NAMES",
    "LABEL",
    "LIBRARY_PREFIX",
    "MISSING_REASON",
    "MODEL_HASH",
    "MODEL_NAME",
    "MODEL_TYPE",
    "MODEL_VERSION",
    "MOMENT_NAMES",
    "MOMENT_ROLES",
    "OTHER_CATEGORIES",
    "OUTLIER",
    "OUTLIER_FEATURES",
    "OUTLIER_RULE",
    "OUTLIER_RULES",
    "PERFORMANCE_INPUTS",
    "PERFORMANCE_SCORES",
    "PREDICTION",
    "PREDICTIONS",
    "PREDICTION_DURATION",
    "PREDICTION_ID",
    "ROWS_CAPTURED",
    "ROWS_DROPPED",
    "ROWS_OUTLYING",
    "RUNTIME_VERSION",
    "SAMPLE_RATE",
    "SCOPE",
    "SEGMENT",
    "SERVICE_INSTANCE_ID",
    "UNSEEN_CATEGORIES",
    "WINDOW_START",
]

SCOPE: Final = "modelwatch"

# Metrics.
FEATURE_VALUE: Final = "modelwatch.feature.value"
FEATURE_CATEGORIES: Final = "modelwatch.feature.categories"
FEATURE_MISSING: Final = "modelwatch.feature.missing_values"
FEATURE_OUTLIERS: Final = "modelwatch.feature.outliers"
PREDICTIONS: Final = "modelwatch.predictions"
PREDICTION_DURATION: Final = "modelwatch.prediction.duration"
ROWS_CAPTURED: Final = "modelwatch.rows.captured"
ROWS_OUTLYING: Final = "modelwatch.rows.outlying"
ROWS_DROPPED: Final = "modelwatch.rows.dropped"
EXPORT_FAILURES: Final = "modelwatch.export.failures"
EVENTS_DROPPED: Final = "modelwatch.events.dropped"
FINGERPRINT_MISMATCHES: Final = "modelwatch.fingerprint.mismatches"

# Events (log records).
FEATURE_MOMENTS: Final = "modelwatch.feature.moments"
PERFORMANCE_SCORES: Final = "modelwatch.performance.scores"
PERFORMANCE_INPUTS: Final = "modelwatch.performance.inputs"
PREDICTION: Final = "modelwatch.prediction"
OUTLIER: Final = "modelwatch.outlier"
LABEL: Final = "modelwatch.label"
EXAMPLE: Final = "modelwatch.example"

# Attributes of every point.
MODEL_NAME: Final = "modelwatch.model.name"
MODEL_VERSION: Final = "modelwatch.model.version"
BASELINE_ID: Final = "modelwatch.baseline.id"
SEGMENT: Final = "modelwatch.segment"
SERVICE_INSTANCE_ID: Final = "service.instance.id"

# Attributes of points of one kind.
FEATURE_NAME: Final = "modelwatch.feature.name"
FEATURE_ROLE: Final = "modelwatch.feature.role"
FEATURE_KIND: Final = "modelwatch.feature.kind"
FEATURE_CATEGORY: Final = "modelwatch.feature.category"
MISSING_REASON: Final = "modelwatch.missing.reason"
OUTLIER_RULE: Final = "modelwatch.outlier.rule"
DROP_REASON: Final = "modelwatch.drop.reason"
ERROR_TYPE: Final = "error.type"
FINGERPRINT_PART: Final = "modelwatch.fingerprint.part"

# Attributes of the resource, where a fingerprint is known; a library's name follows the prefix.
MODEL_HASH: Final = "modelwatch.model.hash"
MODEL_TYPE: Final = "modelwatch.model.type"
LIBRARY_PREFIX: Final = "modelwatch.library."
RUNTIME_VERSION: Final = "process.runtime.version"

# Categories without a name of their own.
OTHER_CATEGORIES: Final = "__other__"
UNSEEN_CATEGORIES: Final = "__unseen__"

# Attributes of events; the first three of the moments event alone.
MOMENT_NAMES: Final = "modelwatch.feature.names"
MOMENT_ROLES: Final = "modelwatch.feature.roles"
JOINT_NAMES: Final = "modelwatch.feature.joint_names"
WINDOW_START: Final = "modelwatch.window.start_unix_nano"

# Attribute of events of predictions: the share of them that is sent.
SAMPLE_RATE: Final = "modelwatch.sample_rate"

# Attributes of the prediction's span.
PREDICTION_ID: Final = "modelwatch.prediction.id"
OUTLIER_FEATURES: Final = "modelwatch.outlier.features"
OUTLIER_RULES: Final = "modelwatch.outlier.rules"

# Attribute of the event that names a trace: features whose value lies where values have gathered.
EXAMPLE_FEATURES: Final = "modelwatch.example.features"
