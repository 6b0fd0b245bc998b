"""Hosts outside the cluster: containers in the network of kind's nodes, so that their addresses are seen unchanged."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from tests.e2e.ends import Ends, Source, Target
from tests.e2e.pods import IMAGE
from tests.integration.kube import Kube, Object
from tests.waiting import PATIENCE

PORTS = (8080, 9090)
_NETWORK = "kind"


@dataclass(frozen=True, slots=True)
class Host:
    """A container that runs the test program; `role` is its name in scenarios."""

    role: str
    container: str
    address: str

    @property
    def ends(self) -> Ends:
        """It calls, and is called."""
        source = Source(self.role, self.role, "", False, ("docker", "exec", "--interactive", self.container))
        targets = [
            Target(
                self.role,
                f"{protocol.lower()}://{self.address}:{port}",
                protocol,
                frozenset(((self.role, port),)),
                in_network=False,
                answers=frozenset((self.role,)),
            )
            for protocol in ("TCP", "UDP")
            for port in PORTS
        ]
        return Ends((source,), tuple(targets))


def possible() -> bool:
    """Whether there can be hosts outside: the nodes are containers of the engine at hand, as kind makes them."""
    nodes = _kubectl("get", "nodes", "--output", "name")
    return bool(nodes) and nodes <= _containers()


def serves(resource: str) -> bool:
    """Whether the API server has a custom resource, such as `rollouts.argoproj.io`."""
    return bool(_kubectl("get", "customresourcedefinition", resource, "--ignore-not-found", "--output", "name"))


@contextmanager
def host(kube: Kube, role: str, token: str) -> Iterator[Host]:
    """A host that knows the way to every pod."""
    numbers = ",".join(map(str, PORTS))
    name = f"e2e-{token}-{role}"
    options = ["--detach", "--rm", "--name", name, "--network", _NETWORK, "--network-alias", f"{role}.example.test"]
    _run("docker", "run", *options, IMAGE, "serve", f"--name={role}", f"--tcp={numbers}", f"--udp={numbers}")
    try:
        found = json.loads(_run("docker", "inspect", name))[0]
        made = Host(role, name, found["NetworkSettings"]["Networks"][_NETWORK]["IPAddress"])
        ways = [(c, node_address(node)) for node in kube.list("Node", "") for c in node["spec"].get("podCIDRs", ())]
        route(made, *ways)
        yield made
    finally:
        _run("docker", "kill", name)


def route(one: Host, *ways: tuple[str, str]) -> None:
    """Give a host ways to addresses, each with its gateway."""
    _ip(one, [f"route replace {destination} via {gateway}" for destination, gateway in ways])


def more_addresses(one: Host, count: int) -> list[str]:
    """Give a host so many more addresses of its network, from its end downwards; they go with the host."""
    config = json.loads(_run("docker", "network", "inspect", _NETWORK))[0]["IPAM"]["Config"]
    subnet = next(network for c in config if (network := ip_network(c["Subnet"])).version == 4)
    found = [str(subnet.broadcast_address - number) for number in range(1, count + 1)]
    _ip(one, [f"address add {address}/32 dev eth0" for address in found])
    return found


def _ip(one: Host, commands: Iterable[str]) -> None:
    """Run `ip` in the network of a host. Its image has none; that of the nodes has."""
    node = _run("docker", "ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster").split()[0]
    image = json.loads(_run("docker", "inspect", node))[0]["Image"]
    options = ["--rm", "--interactive", "--network", f"container:{one.container}", "--cap-add", "NET_ADMIN"]
    lines = "".join(f"{command}\n" for command in commands)
    _run("docker", "run", *options, "--entrypoint", "ip", image, "-batch", "-", stdin=lines)


def node_address(node: Object) -> str:
    """The address that a node has among the others."""
    found: str = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
    return found


def _containers() -> set[str]:
    """The nodes of kind that the engine at hand runs; none where there is no engine."""
    command = ("docker", "ps", "--filter", "label=io.x-k8s.kind.cluster", "--format", "node/{{.Names}}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except OSError:
        return set()
    return set(done.stdout.split())


def _kubectl(*arguments: str) -> set[str]:
    """The words that it prints. What it cannot say is not taken for a no, which would leave tests out."""
    try:
        done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    except OSError as error:
        raise pytest.UsageError(f"kubectl is needed: {error}") from None
    if done.returncode != 0:
        raise pytest.UsageError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return set(done.stdout.split())


def _run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout
