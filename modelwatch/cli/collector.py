"""``modelwatch collector``: runs the collector until it is told to stop."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from modelwatch.cli import alerts
from modelwatch.cli import collector_options as options
from modelwatch.cli.receiving import receiving_options
from modelwatch.errors import ConfigurationError
from modelwatch.settings import read

if TYPE_CHECKING:
    from modelwatch.persistence import Persistence

__all__ = ["collector", "persistence_of", "seconds_of"]


def collector(
    host: options.Host = "127.0.0.1",
    otlp_http_port: options.OtlpHttpPort = 4318,
    otlp_grpc_port: options.OtlpGrpcPort = 4317,
    api_port: options.ApiPort = 4319,
    store: options.Store = Path("modelwatch.sqlite"),
    max_store: options.MaxStore = 10_240,
    label_horizon: options.LabelHorizon = None,
    max_models: options.MaxModels = None,
    max_features: options.MaxFeatures = None,
    window: options.Window = "1h",
    persistence: options.Persistence = "2/3",
    evaluation_interval: options.EvaluationInterval = "1m",
    lateness: options.Lateness = "5s",
    tls_certificate: options.TlsCertificate = None,
    tls_key: options.TlsKey = None,
    tls_client_ca: options.TlsClientCa = None,
    allowed_host: options.AllowedHosts = None,
    trusted_proxy: options.TrustedProxies = None,
    insecure: options.Insecure = False,
    results_endpoint: options.ResultsEndpoint = "",
    trace_url: options.TraceUrl = None,
    forward_endpoint: options.ForwardEndpoint = None,
    config: options.Config = None,
    check_config: options.CheckConfig = None,
    log_format: options.LogFormat = "text",
) -> None:
    """Run a collector: receive OTLP, judge it, serve the API and the pages.

    Runs until SIGTERM or Ctrl-C.

    On loopback it asks nobody who they are until its store has a token
    (modelwatch token create). A --host that other machines can reach needs
    one, or --insecure. SIGHUP has it read the TLS files and --config again.

    \b
    Examples:
      modelwatch collector
      modelwatch collector --store /var/lib/modelwatch/store.sqlite --window 15m
      modelwatch collector --config /etc/modelwatch.toml
      modelwatch collector --results-endpoint http://otel-collector:4318
      modelwatch collector --trace-url 'https://tempo.example/trace/{trace_id}'
      modelwatch collector --host 0.0.0.0 --tls-certificate c.pem --tls-key k.pem
    """
    if check_config is not None:
        alerts.check(check_config)
        return
    from modelwatch.collector.alerting.options import AlertingOptions
    from modelwatch.collector.app import CollectorOptions, run
    from modelwatch.collector.log_lines import logging_as
    from modelwatch.collector.security.options import SecurityOptions, tls_files
    from modelwatch.collector.showing.options import ShowingOptions
    from modelwatch.collector.storing.retention import Retention
    from modelwatch.collector.trace_links import TraceLinks

    chosen = CollectorOptions(
        store_path=store,
        host=host,
        otlp_http_port=otlp_http_port,
        api_port=api_port,
        window_seconds=seconds_of("--window", window),
        persistence=persistence_of(persistence),
        evaluation_interval_seconds=seconds_of("--evaluation-interval", evaluation_interval),
        lateness_seconds=seconds_of("--lateness", lateness),
        label_horizon_seconds=(
            None if label_horizon is None else seconds_of("--label-horizon", label_horizon)
        ),
        retention=Retention(max_store_bytes=max_store * 2**20),
        security=SecurityOptions(
            tls=tls_files(tls_certificate, tls_key, tls_client_ca),
            allowed_hosts=tuple(allowed_host or ()),
            trusted_proxies=tuple(trusted_proxy or ()),
        ),
        insecure=insecure,
        alerting=AlertingOptions(
            config_path=alerts.config_path(config), environment=dict(os.environ)
        ),
        showing=ShowingOptions(results_endpoint=results_endpoint),
        trace_links=TraceLinks(read("MODELWATCH_TRACE_URL") if trace_url is None else trace_url),
        receiving=receiving_options(
            otlp_grpc_port=otlp_grpc_port,
            forward_endpoint=forward_endpoint,
            limits={"models": max_models, "features": max_features},
        ),
    )
    with logging_as(log_format):
        run(chosen)


def seconds_of(option: str, text: str) -> int:
    """Return the seconds of a length of time such as ``90s`` or ``1h``.

    Raises:
        ConfigurationError: where the text is anything else.
    """
    from modelwatch.collector.windows import parse_window

    try:
        return parse_window(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{option}: {error}") from None


def persistence_of(text: str) -> Persistence:
    """Return what a text such as ``2/3`` means: 2 of the last 3 windows.

    Raises:
        ConfigurationError: where the text is anything else, or 2 and 3 are out of range.
    """
    from modelwatch.persistence import Persistence

    found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text.strip())
    if found is None:
        raise ConfigurationError(
            f"--persistence is {text!r}: give two numbers, as in 2/3 for 2 of the last 3 windows."
        )
    try:
        return Persistence(k=int(found[1]), m=int(found[2]))
    except ConfigurationError as error:
        raise ConfigurationError(f"--persistence: {error}") from None
