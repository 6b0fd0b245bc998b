"""What manifests tell of an application beyond what is compiled: settings, ways in, and what may not be read."""

import msgspec

from servicegraph.model.refs import ServiceKey, WorkloadKey


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something was seen; line 0 stands for an object that is in no file."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} ({self.file}:{self.line})" if self.line else self.what


class Setting(msgspec.Struct, frozen=True, order=True):
    """A text that a workload is started with: `key` is what it is called, empty where it has no name."""

    of: WorkloadKey
    key: str
    text: str
    place: Place


class Unread(msgspec.Struct, frozen=True, order=True):
    """Something a workload is started with that was not read: a Secret, or a ConfigMap that is not there."""

    of: WorkloadKey
    what: str
    place: Place


class Exposure(msgspec.Struct, frozen=True, order=True):
    """A way into a Service from outside its namespace's own pods.

    `port` is one of the Service, number or name, empty for all. `gateways` are the Gateways of a route.
    """

    service: ServiceKey
    port: str
    by: str
    gateways: tuple[ServiceKey, ...]
    place: Place


class Scrape(msgspec.Struct, frozen=True, order=True):
    """Pods that ask to be scraped for metrics: those of a workload, or those behind a Service."""

    workload: WorkloadKey | None
    service: ServiceKey | None
    port: str
    place: Place


class Webhook(msgspec.Struct, frozen=True, order=True):
    """A Service port that the API server calls."""

    service: ServiceKey
    port: int
    place: Place


class Configuration(msgspec.Struct, frozen=True):
    """All of it, in the order it was read."""

    settings: tuple[Setting, ...] = ()
    unread: tuple[Unread, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    scrapes: tuple[Scrape, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
