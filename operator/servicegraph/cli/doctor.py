"""`servicegraph doctor`: is this cluster ready, and does anything in it enforce policies?"""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from servicegraph.adopt.doctor import Check, Facts, Result, diagnose
from servicegraph.cli import output
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
    form: Annotated[Format, typer.Option("--output", "-o", help="table or json.")] = Format.TABLE,
) -> None:
    """Look at a cluster: its version, the API, the operator's permissions, and whether anything enforces policies.

    Nothing is changed. Exit code 0: all is well. 1: something is not, or could not be seen. 2: the cluster cannot be
    asked.
    """
    home, slash, name = account.partition("/")
    if not (home and slash and name):
        raise typer.BadParameter(f"{account!r} is not NAMESPACE/NAME", param_hint="--service-account")
    try:
        checks = diagnose(asyncio.run(_look(connect(kubeconfig, context), (home, name), namespace)))
    except (ApiError, ConnectionConfigError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(output.REFUSED) from None
    output.write(_json(checks) if form is Format.JSON else _table(checks))
    raise typer.Exit(output.FINE if all(check.result is Result.OK for check in checks) else output.FINDINGS)


async def _look(connection: Connection, account: tuple[str, str], namespace: str | None) -> Facts:
    async with ApiClient(connection) as client:
        return await look(client, account, namespace)


def _json(checks: tuple[Check, ...]) -> str:
    summary = {result.value: sum(check.result is result for check in checks) for result in Result}
    return output.envelope("Doctor", msgspec.to_builtins(checks), (), summary)


def _table(checks: tuple[Check, ...]) -> str:
    results, names = max(map(len, Result)), max(len(check.name) for check in checks)
    return "".join(f"{check.result:{results}}  {check.name:{names}}  {check.message}\n" for check in checks)
