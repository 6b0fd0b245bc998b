"""`servicegraph doctor`: is this cluster ready, and does anything in it enforce policies?"""

import asyncio
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from servicegraph.adopt.check import Check, Result
from servicegraph.adopt.doctor import diagnose
from servicegraph.adopt.facts import Facts
from servicegraph.adopt.profiled import notes, profiled
from servicegraph.answers.lint.plugins import running
from servicegraph.cli import output
from servicegraph.controller.profile import Observed, detect, observe
from servicegraph.model.profile import ClusterProfile
from servicegraph.report.profile import profile_yaml
from servicegraph.sources import surroundings
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.connection import Connection, ConnectionConfigError, connect
from servicegraph.sources.facts import look


class Format(StrEnum):
    """How the checks are printed."""

    TABLE = "table"
    JSON = "json"


def doctor(
    kubeconfig: Annotated[Path | None, typer.Option(help="Default: the pod's ServiceAccount, else your own.")] = None,
    context: Annotated[str | None, typer.Option(help="A context of the kubeconfig.")] = None,
    account: Annotated[
        str, typer.Option("--service-account", metavar="NAMESPACE/NAME", help="Whom the operator runs as.")
    ] = "servicegraph-system/servicegraph-operator",
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Where it serves, if not the whole cluster.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print a ClusterProfile for this cluster, to be reviewed.")
    ] = False,
    form: Annotated[Format, typer.Option("--output", "-o", help="table or json.")] = Format.TABLE,
) -> None:
    """Look at a cluster: versions, the API, the operator and its permissions, the network plugin, DNS; and say what to
    do about what is not well. Nothing is changed.

    Exit code 0: all is well, or the profile is printed. 1: something is not, or could not be seen. 2: the cluster
    cannot be asked.
    """
    home, slash, name = account.partition("/")
    if not (home and slash and name):
        raise typer.BadParameter(f"{account!r} is not NAMESPACE/NAME", param_hint="--service-account")
    try:
        facts, found = asyncio.run(_look(connect(kubeconfig, context), (home, name), namespace))
    except (ApiError, ConnectionConfigError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(output.REFUSED) from None
    if profile:
        output.write(profile_yaml(found, notes(found)))
        return
    checks = diagnose(facts)
    output.write(_json(checks) if form is Format.JSON else _table(checks))
    raise typer.Exit(output.FINE if all(check.result is Result.OK for check in checks) else output.FINDINGS)


async def _look(
    connection: Connection, account: tuple[str, str], namespace: str | None
) -> tuple[Facts, ClusterProfile]:
    async with ApiClient(connection) as client:
        observed = await observe(client, Observed())
        facts = await look(client, account, namespace, version("servicegraph"), observed.dns)
        base = facts.profile or ClusterProfile()
        plugin = running(daemon_set.key for daemon_set in facts.daemon_sets or ())
        return facts, profiled(detect(base, observed), facts, await surroundings.addresses(client), plugin)


def _json(checks: tuple[Check, ...]) -> str:
    summary = {result.value: sum(check.result is result for check in checks) for result in Result}
    return output.envelope("Doctor", msgspec.to_builtins(checks), (), summary)


def _table(checks: tuple[Check, ...]) -> str:
    results, names = max(map(len, Result)), max(len(check.name) for check in checks)
    return "".join(f"{check.result:{results}}  {check.name:{names}}  {check.message}\n" for check in checks)
