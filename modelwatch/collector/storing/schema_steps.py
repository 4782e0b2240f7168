"""What brings a store's file from each schema version to the next.

Integers are signed 64 bit: times are Unix nanoseconds below 2**63, keys are hashes that are signed
already. Baselines and reports are zlib-compressed JSON, each of which carries its own format
version. A step that was released is never changed.
"""

from __future__ import annotations

__all__ = ["STEPS"]

_FIRST_SCHEMA = """
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    first_seen_ns INTEGER,
    last_seen_ns INTEGER,
    row_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, version)
);
CREATE TABLE seen (
    key INTEGER PRIMARY KEY,
    expires_seconds INTEGER NOT NULL
);
CREATE INDEX seen_by_expiry ON seen (expires_seconds);
CREATE TABLE profiles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    instance TEXT,
    segment TEXT,
    baseline_id TEXT,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX profiles_by_end ON profiles (version_id, end_ns);
CREATE TABLE baselines (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    id TEXT NOT NULL,
    pushed_ns INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (version_id, id)
);
CREATE TABLE evaluations (
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    through_id INTEGER NOT NULL,
    evaluated_ns INTEGER NOT NULL,
    report BLOB NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns, baseline_id)
) WITHOUT ROWID;
"""

_STEERING = """
CREATE TABLE steering (
    version_id INTEGER PRIMARY KEY REFERENCES versions,
    put_ns INTEGER NOT NULL,
    content TEXT NOT NULL
);
"""

_VECTORS = """
CREATE TABLE series (
    key INTEGER PRIMARY KEY,
    content TEXT NOT NULL
);
CREATE TABLE series_sets (
    key INTEGER PRIMARY KEY,
    touched_day INTEGER NOT NULL,
    keys BLOB NOT NULL
);
DROP TABLE seen;
CREATE TABLE seen (
    end_seconds INTEGER NOT NULL,
    key INTEGER NOT NULL,
    set_key INTEGER NOT NULL,
    expires_seconds INTEGER NOT NULL,
    PRIMARY KEY (end_seconds, key)
) WITHOUT ROWID;
CREATE TABLE arrivals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    instance TEXT NOT NULL,
    segment TEXT NOT NULL,
    baseline_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    set_key INTEGER NOT NULL,
    counts BLOB NOT NULL,
    floats BLOB NOT NULL,
    others BLOB
);
CREATE INDEX arrivals_by_version ON arrivals (version_id);
CREATE INDEX arrivals_by_set ON arrivals (set_key);
CREATE INDEX arrivals_by_end ON arrivals (version_id, end_ns);
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'arrivals', seq FROM sqlite_sequence WHERE name = 'profiles';
CREATE TABLE merged (
    id INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL REFERENCES versions,
    level INTEGER NOT NULL,
    segment TEXT NOT NULL,
    baseline_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    through_id INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    set_key INTEGER NOT NULL,
    senders BLOB NOT NULL,
    counts BLOB NOT NULL,
    floats BLOB NOT NULL,
    others BLOB
);
CREATE INDEX merged_by_end ON merged (version_id, end_ns, through_id);
CREATE INDEX merged_by_set ON merged (set_key);
CREATE INDEX merged_by_age ON merged (level, end_ns);
ALTER TABLE versions ADD COLUMN merged_through INTEGER NOT NULL DEFAULT 0;
CREATE INDEX profiles_by_age ON profiles (end_ns);
CREATE TABLE evaluation_summaries (
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns, baseline_id)
) WITHOUT ROWID;
"""

_ALERTING = """
CREATE TABLE alert_facts (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    end_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (model, version, end_ns, start_ns)
) WITHOUT ROWID;
CREATE TABLE alert_rules (
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    rule TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (model, version, rule)
) WITHOUT ROWID;
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    rule TEXT NOT NULL,
    state TEXT NOT NULL,
    ended_ns INTEGER,
    content TEXT NOT NULL
);
CREATE UNIQUE INDEX one_open_alert ON alerts (model, version, rule) WHERE ended_ns IS NULL;
CREATE INDEX alerts_by_end ON alerts (ended_ns);
CREATE TABLE alert_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX events_by_alert ON alert_events (alert_id);
CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    until_ns INTEGER NOT NULL,
    content TEXT NOT NULL
);
CREATE TABLE alert_outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    key TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    next_ns INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (target, key)
);
CREATE INDEX outbox_by_alert ON alert_outbox (target, alert_id, number);
CREATE INDEX outbox_by_time ON alert_outbox (next_ns);
CREATE TABLE alert_targets (
    name TEXT PRIMARY KEY,
    sent INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    given_up INTEGER NOT NULL DEFAULT 0,
    last_sent_ns INTEGER,
    last_failed_ns INTEGER,
    last_error TEXT NOT NULL DEFAULT ''
);
"""

_SECURITY = """
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    scopes TEXT NOT NULL,
    models TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,
    last_used_ns INTEGER,
    revoked_ns INTEGER
);
CREATE UNIQUE INDEX tokens_in_use ON tokens (name) WHERE revoked_ns IS NULL;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE TABLE probes (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at_ns INTEGER NOT NULL
);
"""

_CUMULATIVE = """
CREATE TABLE cumulative_points (
    key INTEGER PRIMARY KEY,
    latest_ns INTEGER NOT NULL,
    touched_day INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE cumulative_since (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since_ns INTEGER NOT NULL
);
INSERT INTO cumulative_since (id, since_ns)
    SELECT 1, coalesce(max(last_seen_ns) + 1, 0) FROM versions;
"""

_TRACES = """
CREATE TABLE trace_examples (
    version_id INTEGER NOT NULL REFERENCES versions,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    PRIMARY KEY (version_id, kind, name, at_ns, trace_id)
) WITHOUT ROWID;
CREATE INDEX trace_examples_by_time ON trace_examples (version_id, at_ns);
"""

_OUTCOMES = """
CREATE TABLE outcome_models (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL UNIQUE,
    waiting INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE outcomes (
    model_id INTEGER NOT NULL,
    prefix INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    layout INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (model_id, prefix, hash, version_id)
) WITHOUT ROWID;
CREATE TABLE outcome_layouts (
    id INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL REFERENCES versions,
    content TEXT NOT NULL,
    UNIQUE (version_id, content)
);
CREATE TABLE outcome_values (
    version_id INTEGER NOT NULL REFERENCES versions,
    code INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (version_id, code)
) WITHOUT ROWID;
CREATE TABLE outcome_versions (
    version_id INTEGER PRIMARY KEY REFERENCES versions,
    baseline_id TEXT NOT NULL,
    counted_prefix INTEGER NOT NULL,
    counted_hash INTEGER NOT NULL,
    stream BLOB
);
CREATE TABLE outcome_rates (
    version_id INTEGER NOT NULL REFERENCES versions,
    day INTEGER NOT NULL,
    lowest REAL NOT NULL,
    highest REAL NOT NULL,
    PRIMARY KEY (version_id, day)
) WITHOUT ROWID;
CREATE TABLE outcome_windows (
    version_id INTEGER NOT NULL REFERENCES versions,
    end_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    predictions INTEGER NOT NULL,
    labelled INTEGER NOT NULL,
    through INTEGER NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns)
) WITHOUT ROWID;
CREATE TABLE outcome_counts (
    model_id INTEGER NOT NULL REFERENCES outcome_models,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (model_id, name)
) WITHOUT ROWID;
CREATE TABLE joined_rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    layout INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX joined_rows_by_version ON joined_rows (version_id, baseline_id, number);
CREATE TABLE outcome_summaries (
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    segment TEXT NOT NULL,
    end_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (version_id, end_ns, start_ns, baseline_id, segment)
) WITHOUT ROWID;
CREATE TABLE concept_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES versions,
    baseline_id TEXT NOT NULL,
    detected_ns INTEGER NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX concept_changes_by_time ON concept_changes (version_id, detected_ns);
CREATE TABLE outcome_pairs (
    first_id INTEGER NOT NULL REFERENCES versions,
    second_id INTEGER NOT NULL REFERENCES versions,
    baseline_ids TEXT NOT NULL,
    counted_prefix INTEGER NOT NULL,
    counted_hash INTEGER NOT NULL,
    PRIMARY KEY (first_id, second_id)
) WITHOUT ROWID;
CREATE TABLE pair_rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    first_id INTEGER NOT NULL REFERENCES versions,
    second_id INTEGER NOT NULL REFERENCES versions,
    baseline_ids TEXT NOT NULL,
    first_layout INTEGER NOT NULL,
    second_layout INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX pair_rows_by_versions ON pair_rows (first_id, second_id, baseline_ids, number);
CREATE TABLE pair_summaries (
    first_id INTEGER NOT NULL REFERENCES versions,
    second_id INTEGER NOT NULL REFERENCES versions,
    baseline_ids TEXT NOT NULL,
    end_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (first_id, second_id, end_ns, start_ns, baseline_ids)
) WITHOUT ROWID;
CREATE TABLE outcome_progress (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    through INTEGER NOT NULL,
    expired_before_ns INTEGER NOT NULL,
    swept_model INTEGER NOT NULL,
    swept_prefix INTEGER NOT NULL,
    swept_hash INTEGER NOT NULL
);
INSERT INTO outcome_progress VALUES (1, 0, 0, 0, -9223372036854775808, 0);
"""

_SUGGESTIONS = """
CREATE TABLE suggestions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    ended_ns INTEGER,
    content TEXT NOT NULL
);
CREATE INDEX suggestions_by_end ON suggestions (ended_ns, number);
"""

STEPS = (
    *(_FIRST_SCHEMA, _STEERING, _VECTORS, _ALERTING, _SECURITY, _CUMULATIVE, _TRACES),
    *(_OUTCOMES, _SUGGESTIONS),
)
"""What brings a file from each schema version to the next, an empty one being of version 0.

In the third, what a request told lies in vectors, one row an arrival, and no longer in profiles,
which stay as they are until they age out; points sent before it are not known when sent again.
"""
