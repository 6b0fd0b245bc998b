"""`servicegraph operator`: the operator, against the cluster it runs in or the one a kubeconfig names."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from servicegraph.cli import output
from servicegraph.controller.logs import configure
from servicegraph.controller.main import run
from servicegraph.controller.settings import SettingsError, load
from servicegraph.model.profile import ClusterProfile
from servicegraph.sources.connection import ConnectionConfigError, connect
from servicegraph.sources.errors import InputError
from servicegraph.sources.profile import read_profile

_UNUSABLE = 2


def operator(
    kubeconfig: Annotated[Path | None, typer.Option(help="Default: the pod's ServiceAccount, else your own.")] = None,
    context: Annotated[str | None, typer.Option(help="A context of the kubeconfig.")] = None,
    namespaces: Annotated[str | None, typer.Option(metavar="A,B", help="Only these. Default: all.")] = None,
    profile: Annotated[Path | None, typer.Option(metavar="FILE", help="The ClusterProfile.")] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    listen: Annotated[str | None, typer.Option(help="For /metrics, /healthz and /readyz: 0.0.0.0:8080.")] = None,
    leader_election: Annotated[bool | None, typer.Option(help="Off only where one replica runs.")] = None,
    lease_name: Annotated[str | None, typer.Option(help="The Lease of the election.")] = None,
    lease_namespace: Annotated[str | None, typer.Option(help="Default: the operator's own namespace.")] = None,
    lease_seconds: Annotated[float | None, typer.Option(help="How long a lease is respected: 15.")] = None,
    renew_seconds: Annotated[float | None, typer.Option(help="How long to try renewing it: 10.")] = None,
    retry_seconds: Annotated[float | None, typer.Option(help="How often: 2.")] = None,
    request_seconds: Annotated[float | None, typer.Option(help="The longest request: 10.")] = None,
    resync_seconds: Annotated[float | None, typer.Option(help="How often everything is compared: 300.")] = None,
    drain_poll_seconds: Annotated[float | None, typer.Option(help="How often draining pods are looked for.")] = None,
    debounce_ms: Annotated[int | None, typer.Option(help="Changes this close are compiled together: 20.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Writes of one namespace at once: 12.")] = None,
    in_flight: Annotated[int | None, typer.Option(help="Requests at once: 16.")] = None,
) -> None:
    """Run the operator until SIGTERM. Every option is a variable too: SERVICEGRAPH_LOG_FORMAT for --log-format.

    Exit code 0: it was asked to stop. 1: the lease was lost, or something failed. 2: the settings make no sense.
    """
    flags = dict(locals())
    try:
        settings = load(flags, os.environ)
        configure(settings.log_format, settings.log_level)
        chosen = read_profile(str(settings.profile)) if settings.profile else ClusterProfile()
        connection = connect(settings.kubeconfig, settings.context)
    except InputError as error:
        output.refuse([error])
    except (SettingsError, ConnectionConfigError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_UNUSABLE) from None
    else:
        raise typer.Exit(asyncio.run(run(settings, connection, chosen)))
