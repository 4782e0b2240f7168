"""The options of ``modelwatch collector``, in the groups that ``--help`` shows them in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "AllowedHosts",
    "ApiPort",
    "CheckConfig",
    "Config",
    "EvaluationInterval",
    "ForwardEndpoint",
    "Host",
    "Insecure",
    "LabelHorizon",
    "Lateness",
    "LogFormat",
    "MaxFeatures",
    "MaxModels",
    "MaxStore",
    "OtlpGrpcPort",
    "OtlpHttpPort",
    "Persistence",
    "ResultsEndpoint",
    "Store",
    "TlsCertificate",
    "TlsClientCa",
    "TlsKey",
    "TraceUrl",
    "TrustedProxies",
    "Window",
]

_LISTENING: Final = "Where it listens"
_STORE: Final = "What it keeps"
_JUDGING: Final = "When and how it judges"
_ACCESS: Final = "Who may ask"
_SENDING: Final = "What it sends on"
_CONFIGURATION: Final = "Configuration and log"

Host = Annotated[str, typer.Option(rich_help_panel=_LISTENING, help="Address to listen on.")]
OtlpHttpPort = Annotated[
    int,
    typer.Option(
        min=0, max=65535, rich_help_panel=_LISTENING, help="Port of the OTLP/HTTP receiver."
    ),
]
OtlpGrpcPort = Annotated[
    int,
    typer.Option(
        min=0, max=65535, rich_help_panel=_LISTENING, help="Port of the OTLP/gRPC receiver."
    ),
]
ApiPort = Annotated[
    int,
    typer.Option(
        min=0, max=65535, rich_help_panel=_LISTENING, help="Port of the HTTP API and the pages."
    ),
]

Store = Annotated[
    Path,
    typer.Option(metavar="FILE", rich_help_panel=_STORE, help="The SQLite file that holds all."),
]
MaxStore = Annotated[
    int,
    typer.Option(
        metavar="MIB",
        min=0,
        rich_help_panel=_STORE,
        help="Most MiB that the store may hold; beyond it the oldest detail goes. 0: no limit.",
    ),
]
LabelHorizon = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        rich_help_panel=_STORE,
        help="How long a prediction waits for its label, at most 366d; goes before --config. "
        "Without either, 90d.",
    ),
]
MaxModels = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=_STORE, help="Most models; goes before --config."),
]
MaxFeatures = Annotated[
    int | None,
    typer.Option(
        min=1, rich_help_panel=_STORE, help="Most features of a model; goes before --config."
    ),
]

Window = Annotated[
    str,
    typer.Option(
        rich_help_panel=_JUDGING, help="Length of the windows that are judged: 90s, 15m, 1h, 1d."
    ),
]
Persistence = Annotated[
    str,
    typer.Option(
        metavar="K/M",
        rich_help_panel=_JUDGING,
        help="In how many of the last windows a finding must hold to persist.",
    ),
]
EvaluationInterval = Annotated[
    str,
    typer.Option(
        rich_help_panel=_JUDGING,
        help="Time between two looks for windows to judge. Alerts that need no window, as of "
        "silence, are looked at every minute at least.",
    ),
]
Lateness = Annotated[
    str,
    typer.Option(rich_help_panel=_JUDGING, help="How long after its end a window is waited for."),
]

TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", rich_help_panel=_ACCESS, help="PEM file: serve all ports over TLS."
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", rich_help_panel=_ACCESS, help="PEM file with the certificate's key."
    ),
]
TlsClientCa = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=_ACCESS,
        help="PEM file: clients need a certificate of these authorities.",
    ),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        rich_help_panel=_ACCESS,
        help="A name by which clients call this collector. On loopback, others are refused. "
        "More than once for several.",
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        metavar="ADDRESS",
        rich_help_panel=_ACCESS,
        help="Address of a reverse proxy whose X-Forwarded-For and -Proto are believed.",
    ),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        rich_help_panel=_ACCESS,
        help="Allow a --host that others can reach while there is no token.",
    ),
]

TraceUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        rich_help_panel=_CONFIGURATION,
        help="Address of a trace, with {trace_id} in it, for links in pages and notices; else "
        "MODELWATCH_TRACE_URL.",
    ),
]
ResultsEndpoint = Annotated[
    str,
    typer.Option(
        metavar="URL",
        rich_help_panel=_SENDING,
        help="An OTLP receiver that is sent what is found and the collector's own metrics. Its "
        "protocol, headers and certificates are those of OTEL_EXPORTER_OTLP_*.",
    ),
]
ForwardEndpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        rich_help_panel=_SENDING,
        help="OTLP/HTTP endpoint that all that comes in is sent on to, with the headers of "
        "MODELWATCH_FORWARD_HEADERS. Best effort: what it does not take in time is lost to it.",
    ),
]

Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=_CONFIGURATION,
        help="Rules of alerts, who is told, and limits; else ./modelwatch.toml where it is "
        "there. Read anew on SIGHUP.",
    ),
]
CheckConfig = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=_CONFIGURATION,
        help="Check that file and end; status 2 where it is wrong.",
    ),
]
LogFormat = Annotated[
    str,
    typer.Option(
        metavar="text|json",
        rich_help_panel=_CONFIGURATION,
        help="Form of the log's lines on stderr.",
    ),
]
