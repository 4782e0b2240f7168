"""``modelwatch collector``: runs the collector until it is told to stop."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli import alerts
from modelwatch.cli.receiving import receiving_options
from modelwatch.errors import ConfigurationError
from modelwatch.settings import read

if TYPE_CHECKING:
    from modelwatch.persistence import Persistence

__all__ = ["collector", "persistence_of", "seconds_of"]


def collector(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    otlp_http_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the OTLP/HTTP receiver.")
    ] = 4318,
    otlp_grpc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the OTLP/gRPC receiver.")
    ] = 4317,
    api_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the HTTP API and the pages.")
    ] = 4319,
    store: Annotated[
        Path, typer.Option(metavar="FILE", help="The SQLite file that holds all.")
    ] = Path("modelwatch.sqlite"),
    window: Annotated[
        str, typer.Option(help="Length of the windows that are judged: 90s, 15m, 1h, 1d.")
    ] = "1h",
    persistence: Annotated[
        str,
        typer.Option(
            metavar="K/M", help="In how many of the last windows a finding must hold to persist."
        ),
    ] = "2/3",
    evaluation_interval: Annotated[
        str, typer.Option(help="Time between two looks for windows to judge.")
    ] = "1m",
    lateness: Annotated[
        str, typer.Option(help="How long after its end a window is waited for.")
    ] = "5s",
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file: serve both ports over TLS.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file with the certificate's key.")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="PEM file: clients need a certificate of these authorities."
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name by which clients call this collector. On loopback, others are refused. "
            "More than once for several.",
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of a reverse proxy whose X-Forwarded-For and -Proto are believed.",
        ),
    ] = None,
    log_format: Annotated[
        str, typer.Option(metavar="text|json", help="Form of the log's lines on stderr.")
    ] = "text",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rules of alerts and who is told; else ./modelwatch.toml where it is there. Read "
            "anew on SIGHUP.",
        ),
    ] = None,
    check_config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check that file and end; status 2 where it is wrong."),
    ] = None,
    max_store: Annotated[
        int,
        typer.Option(
            metavar="MIB",
            min=0,
            help="Most MiB that the store may hold; beyond it the oldest detail goes. 0: no limit.",
        ),
    ] = 10_240,
    results_endpoint: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="An OTLP receiver that is sent what is found. Its protocol, headers and "
            "certificates are those of OTEL_EXPORTER_OTLP_*.",
        ),
    ] = "",
    trace_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Address of a trace, with {trace_id} in it, for links in pages and notices; else "
            "MODELWATCH_TRACE_URL.",
        ),
    ] = None,
    forward_endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="OTLP/HTTP endpoint that all that comes in is sent on to, with the headers of "
            "MODELWATCH_FORWARD_HEADERS. Best effort: what it does not take in time is lost to it.",
        ),
    ] = None,
    max_models: Annotated[
        int | None, typer.Option(min=1, help="Most models; see [limits] in the README.")
    ] = None,
    max_features: Annotated[
        int | None, typer.Option(min=1, help="Most features of a model.")
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Allow a --host that others can reach while there is no token."
        ),
    ] = False,
) -> None:
    """Run a collector: receive OTLP, judge it, serve the API and the pages.

    Runs until SIGTERM or Ctrl-C.

    On loopback it asks nobody who they are until its store has a token
    (modelwatch token create). A --host that other machines can reach needs
    one, or --insecure. SIGHUP has it read the TLS files again.

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

    options = CollectorOptions(
        store_path=store,
        host=host,
        otlp_http_port=otlp_http_port,
        api_port=api_port,
        window_seconds=seconds_of("--window", window),
        persistence=persistence_of(persistence),
        evaluation_interval_seconds=seconds_of("--evaluation-interval", evaluation_interval),
        lateness_seconds=seconds_of("--lateness", lateness),
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
            alerts.config_path(config),
            otlp_grpc_port=otlp_grpc_port,
            forward_endpoint=forward_endpoint,
            limits={"models": max_models, "features": max_features},
        ),
    )
    with logging_as(log_format):
        run(options)


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
