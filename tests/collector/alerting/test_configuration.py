"""Reading the configuration file, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from modelwatch.collector.alerting.configuration import (
    Configuration,
    changes_between,
    parse,
    read_configuration,
)
from modelwatch.collector.alerting.rules import DEFAULT_RULES
from modelwatch.collector.alerting.targets import AppriseTarget, WebhookTarget
from modelwatch.errors import ConfigurationError

WHOLE = """
[[rules]]
name = "drift of churn"
on = "drift"
models = "churn-*"
k = 3
m = 5
clear_k = 3
clear_m = 4
features = ["age", "income*"]
repeat_interval = "never"

[[rules]]
name = "slow"
on = "latency"
latency_seconds = 0.25
quantile = 0.99
severity = "critical"

[[notify]]
name = "hook"
kind = "webhook"
url_env = "HOOK_URL"
secret_env = "HOOK_KEY"
headers_env = { Authorization = "HOOK_TOKEN" }
rules = "drift*"
min_severity = "critical"
send_resolved = false

[[notify]]
name = "chat"
kind = "apprise"
url = "json://127.0.0.1:9"

[[maintenance]]
name = "nights"
days = ["sat", "sun"]
start_time = 22:00:00
end_time = "04:00"
time_zone = "Europe/Berlin"

[alerting]
pages_url = "https://watch.example.com/modelwatch"
keep = "30d"

[limits]
models = 7
"""

ENVIRONMENT = {
    "HOOK_URL": "https://user:pass@hook.example.com/secret-path",
    "HOOK_KEY": "sesame",
    "HOOK_TOKEN": "Bearer token-1",
}


def refusal(text: str) -> str:
    """Return what is said of a wrong configuration."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text.encode(), {})
    assert not isinstance(caught.value.__context__, ValidationError), "it holds all values"
    return str(caught.value)


def rule(rest: str, *, name: str = "r", on: str = "drift") -> str:
    """Return a rule in TOML."""
    return f'[[rules]]\nname = "{name}"\non = "{on}"\n{rest}\n'


def test_a_whole_file_is_read() -> None:
    """Each table, length of time, pattern and variable means what it says."""
    found = parse(WHOLE.encode(), ENVIRONMENT)
    first, slow = found.rules
    assert (first.k, first.m, first.clear_k, first.clear_m) == (3, 5, 3, 4)
    assert (first.models, first.repeat_interval) == (("churn-*",), 0)
    assert (slow.k, slow.m, slow.latency_seconds, slow.severity) == (2, 3, 0.25, "critical")
    hook, chat = found.notify
    assert isinstance(hook, WebhookTarget)
    assert isinstance(chat, AppriseTarget)
    assert hook.address == ENVIRONMENT["HOOK_URL"]
    assert (hook.secret, hook.header_values) == ("sesame", {"Authorization": "Bearer token-1"})
    assert (hook.place, chat.place) == ("https://hook.example.com", "json://")
    assert found.alerting.keep == 30 * 86_400
    assert found.limits == {"models": 7}


def test_no_secret_is_shown() -> None:
    """Neither the configuration as text nor its JSON form holds an address or a key."""
    found = parse(WHOLE.encode(), ENVIRONMENT)
    shown = f"{found!r} {found} {found.model_dump_json()}"
    for secret in ("pass", "secret-path", "sesame", "token-1"):
        assert secret not in shown


def test_the_rules_that_hold_without_a_file() -> None:
    """Drift, proven losses, risen errors, failing calls, silence and another binary, or none."""
    assert parse(b"", {}).rules == DEFAULT_RULES
    assert [rule.on for rule in DEFAULT_RULES] == [
        "drift",
        "performance",
        "concept_drift",
        "errors",
        "no_data",
        "fingerprint",
    ]
    assert parse(b"rules = []", {}).rules == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rule('servity = "warning"'), "[[rules]][1].servity: unknown; did you mean severity?"),
        (
            "foo = 1",
            (
                "foo: unknown; known are rules, notify, maintenance, alerting, labels, limits, "
                "rollout."
            ),
        ),
        (
            '[[notify]]\nname="a"\nkind="webhook"\nurl="http://x"\nhedaers={}',
            "[[notify]][1].hedaers: unknown; did you mean headers?",
        ),
        ("[limits]\nmodel = 5", "[limits].model: unknown; did you mean models?"),
        ("[limits]\nmodels = 0", "[limits].models is 0: give a whole number of 1 to 100000000."),
        ("limits = 3", "limits is 3: give a valid dictionary."),
        ("[alerting]\nkep = '1d'", "[alerting].kep: unknown; did you mean keep?"),
        (rule('k = "two"'), "[[rules]][1].k is 'two': give a valid integer."),
        (rule("k = true"), "[[rules]][1].k is True: give a valid integer."),
        (rule("k = 0"), "[[rules]][1].k is 0: give greater than or equal to 1."),
        (rule("k = 4\nm = 3"), "[[rules]][1]: k is 4 and m is 3: give k at most m."),
        (rule('min_severity = "bad"'), "'bad': give 'warning' or 'critical'."),
        (rule('repeat_interval = "soon"'), "'soon': give a text of a whole number and s, m, h"),
        (rule("repeat_interval = 5"), "is 5: give a text of a whole number and s, m, h or d"),
        (rule("error_rate = 0.1"), "error_rate has no meaning for on = 'drift', but for errors"),
        (rule("", on="latency"), "on = 'latency' needs a limit: give latency_seconds"),
        (rule("m = 4", on="no_data"), "m has no meaning for on = 'no_data'"),
        (rule("", on="drfit"), "[[rules]][1].on is 'drfit': give 'drift', 'warning'"),
        ('[[rules]]\non = "drift"', "[[rules]][1].name: missing; add it."),
        (rule("") + rule(""), "two of [[rules]] are named 'r': give each a name of its own."),
        ('[[notify]]\nname="a"\nkind="pager"', "[[notify]][1].kind: give webhook, alertmanager or"),
        ('[[notify]]\nname="a"', "[[notify]][1].kind: give webhook"),
        (
            '[[notify]]\nname="a"\nkind="webhook"\nurl_env="NOPE"',
            "[[notify]][1]: the environment variable NOPE is not set",
        ),
        ('[[notify]]\nname="a"\nkind="webhook"', "[[notify]][1]: give one of url and url_env."),
        (
            '[[notify]]\nname="a"\nkind="webhook"\nurl="ftp://x"',
            "[[notify]][1]: the address is no http:// or https:// URL",
        ),
        ('[[maintenance]]\ndays=["sat"]\ntime_zone="Mars/X"', "time_zone 'Mars/X' is not known"),
        ('[[maintenance]]\ndays=["sat", "sunday"]', "[[maintenance]][1].days[2] is 'sunday'"),
        ("[[maintenance]]\nstart=2026-01-01T00:00:00Z", "give start and end, or days"),
        (
            "[[maintenance]]\nstart=2026-01-02T00:00:00Z\nend=2026-01-01T00:00:00Z",
            "end is not after start",
        ),
        ("rules = [", "is no TOML document"),
    ],
)
def test_what_is_wrong_is_named_with_path_value_and_remedy(text: str, said: str) -> None:
    """Whoever wrote the file reads where the fault is, what is there, and what to write."""
    assert said in refusal(text)


def test_a_wrong_secret_is_not_repeated() -> None:
    """A value that may be secret does not stand in the message, nor does what is beside it."""
    said = refusal(
        '[[notify]]\nname="a"\nkind="webhook"\nurl="ftp://user:geheim@x/geheim"\n'
        'headers={Authorization = ["geheim"]}'
    )
    assert "geheim" not in said
    assert "[[notify]][1].headers.Authorization" in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message says which file, and how to name another."""
    with pytest.raises(ConfigurationError, match=r"absent\.toml cannot be read.*--config"):
        read_configuration(tmp_path / "absent.toml", {})


def test_what_changed_is_said() -> None:
    """The log of a reload names rules and targets that came, went or changed."""
    before = parse(WHOLE.encode(), ENVIRONMENT)
    after = parse(WHOLE.replace("k = 3", "k = 2").replace('"slow"', '"fast"').encode(), ENVIRONMENT)
    assert changes_between(before, after) == [
        "rule 'fast' added",
        "rule 'slow' removed",
        "rule 'drift of churn' changed",
    ]
    assert changes_between(before, before) == []
    assert changes_between(Configuration(), before)[-1] == "limit of models 1000 -> 7"
