"""How the operator is told what to do: flags, then SERVICEGRAPH_* variables, then defaults. Nothing else is read."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]

_WANTED: dict[Any, str] = {
    Seconds: "a number of seconds above 0",
    Milliseconds: "a whole number of milliseconds",
    Count: "a whole number of at least 1",
    bool: "true or false",
}

PREFIX = "SERVICEGRAPH_"
_LISTEN = re.compile(r"(?P<host>[^:\[\]]*|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})")


class SettingsError(ValueError):
    """A setting makes no sense; the message names it as the user wrote it and says what to write."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Field `lease_name` is the flag --lease-name and the variable SERVICEGRAPH_LEASE_NAME. Times are in seconds.

    `namespaces` empty means all of the cluster; as text it is separated by commas. `lease_namespace` None means the
    operator's own. None of the variables ends in _HOST or _PORT: Kubernetes makes such of Services' names.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    profile: Path | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    listen: str = "0.0.0.0:8080"
    leader_election: bool = True
    lease_name: str = "servicegraph-operator"
    lease_namespace: str | None = None
    lease_seconds: Seconds = 15.0
    renew_seconds: Seconds = 10.0
    retry_seconds: Seconds = 2.0
    request_seconds: Seconds = 10.0
    resync_seconds: Seconds = 300.0
    drain_poll_seconds: Seconds = 10.0
    debounce_ms: Milliseconds = 20
    concurrency: Count = 12
    in_flight: Count = 16

    @property
    def address(self) -> tuple[str, int]:
        """`listen` as host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def load(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings. `flags` are by field name; None is a flag that was not given, as an empty variable is.

    Raises SettingsError.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        flag, variable = flags.get(field.name), environment.get(PREFIX + field.name.upper())
        if flag is not None:
            values[field.name] = _read(f"--{field.name.replace('_', '-')}", flag, field)
        elif variable:
            values[field.name] = _read(PREFIX + field.name.upper(), variable, field)
    return _consistent(Settings(**values))


def _read(source: str, value: Any, field: msgspec.structs.FieldInfo) -> Any:
    if field.name == "namespaces" and isinstance(value, str):
        value = [name for part in value.split(",") if (name := part.strip())]
    try:
        return msgspec.convert(value, field.type, strict=False, dec_hook=lambda kind, found: kind(found))
    except (msgspec.ValidationError, ValueError):
        wanted = _WANTED.get(field.type) or " or ".join(get_args(field.type))
        raise SettingsError(f"{source}={value}: write {wanted}") from None


def _consistent(settings: Settings) -> Settings:
    if not (match := _LISTEN.fullmatch(settings.listen)) or int(match["port"]) > 65535:
        raise SettingsError(f"listen={settings.listen}: write an address and a port, such as 0.0.0.0:8080 or [::]:8080")
    if not settings.leader_election:
        return settings
    if not settings.retry_seconds < settings.renew_seconds < settings.lease_seconds:
        raise SettingsError(
            f"a lease of {settings.lease_seconds:g} s, given up when not renewed for {settings.renew_seconds:g} s and "
            f"tried every {settings.retry_seconds:g} s, cannot be kept: "
            "make retry-seconds < renew-seconds < lease-seconds"
        )
    if settings.request_seconds + settings.retry_seconds >= settings.lease_seconds:
        raise SettingsError(
            f"a request may take {settings.request_seconds:g} s, and none is sent that could outlive the lease of "
            f"{settings.lease_seconds:g} s: make request-seconds + retry-seconds < lease-seconds"
        )
    return settings
