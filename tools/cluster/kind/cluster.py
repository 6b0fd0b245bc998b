"""Creates the kind cluster, with Cilium and the operator in it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tools.cluster.build import KUBERNETES_VERSION
from tools.cluster.kind import loading, programs, workloads
from tools.cluster.kind.command import KindError, as_file, run
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.supply import CONFIG, Supply
from tools.cluster.toolchain import find_kubectl
from tools.progress import Progress

NAME = "servicegraph"
NETWORK = "kind"
# 198.18.0.0/15 is for benchmarks (RFC 2544): addresses that are neither private nor anyone's.
SUBNET, CONTAINERS = "198.18.0.0/16", "198.18.0.0/24"
_CHECKOUT = CONFIG.parents[1]
_NAMESPACE = "servicegraph-system"
_READY_SECONDS = 600


class Cluster:
    """A kind cluster in an engine; `kubeconfig` is the administrator's."""

    def __init__(self, engine: Engine, kubeconfig: Path) -> None:
        self.engine = engine
        self.kubeconfig = kubeconfig
        self._kubectl = find_kubectl()

    def environment(self) -> dict[str, str]:
        """For commands that use the cluster; they must run inside `engine.enter`."""
        path = f"{self._kubectl.parent}{os.pathsep}{os.environ['PATH']}"
        return self.engine.environment() | {"KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def create(self, supply: Supply) -> None:
        """Create the nodes. Raises KindError, BuildError, InstallError."""
        kind = programs.built(programs.KIND) / "kind"
        with Progress("creating the nodes", "about 30 s"):
            self._ensure_network()
            settings = [f"--name={NAME}", f"--image={supply.node}", f"--config={CONFIG / 'cluster.yaml'}"]
            self._run([kind, "create", "cluster", *settings], what="kind create cluster")

    def install_cilium(self, supply: Supply) -> None:
        """Apply Cilium's chart and wait until every pod of the system is ready. Raises KindError."""
        helm = programs.built(programs.HELM) / "helm"
        source = programs.cilium_source() / "install" / "kubernetes" / "cilium"
        values = [f"--values={file}" for file in supply.values]
        settings = [word for setting in supply.settings for word in ("--set", setting)]
        with Progress("installing Cilium", "about 40 s"):
            target = ["--namespace=kube-system", f"--kube-version={KUBERNETES_VERSION}"]
            rendered = self._run(
                [helm, "template", "cilium", source, *target, *values, *settings], what="rendering Cilium's chart"
            )
            with as_file(rendered) as chart:
                self.kubectl("apply", "--filename=-", stdin=chart, what="applying Cilium's chart")
            self._rollout("kube-system", "daemonset/cilium", "deployment/cilium-operator", "deployment/coredns")
            self.kubectl(
                "wait",
                "nodes",
                "--all",
                "--for=condition=Ready",
                f"--timeout={_READY_SECONDS}s",
                what="waiting for the nodes",
            )
            self.kubectl("apply", "--filename", str(CONFIG / "load-balancer.yaml"), what="announcing load balancers")

    def load(self, *images: str) -> None:
        """Put images of the engine into the nodes. Raises KindError."""
        with Progress("loading images into the nodes", "about 15 s"):
            loading.load(self.engine, self._nodes(), *images)

    def install_operator(self) -> None:
        """Apply the CRD and config/default with the image workloads.OPERATOR, and wait for it. Raises KindError."""
        with Progress("installing the operator", "about 15 s"):
            self.kubectl(
                "apply", "--server-side", "--kustomize", str(_CHECKOUT / "config/crd"), what="applying the CRD"
            )
            self.kubectl("apply", "--kustomize", str(CONFIG / "operator"), what="applying the operator")
            self._rollout(_NAMESPACE, "deployment/servicegraph-operator")

    def restart_operator(self) -> None:
        """Have its pods run the image that was loaded last. Raises KindError."""
        with Progress("restarting the operator", "about 10 s"):
            arguments = ["rollout", "restart", "deployment/servicegraph-operator", f"--namespace={_NAMESPACE}"]
            self.kubectl(*arguments, what="restarting the operator")
            self._rollout(_NAMESPACE, "deployment/servicegraph-operator")

    def kubectl(self, *arguments: str, what: str, stdin: IO[bytes] | None = None) -> str:
        """Run kubectl as administrator. Raises KindError."""
        return self._run([self._kubectl, *arguments], what=what, stdin=stdin)

    def _rollout(self, namespace: str, *workloads: str) -> None:
        for workload in workloads:
            arguments = ["rollout", "status", workload, f"--namespace={namespace}", f"--timeout={_READY_SECONDS}s"]
            try:
                self.kubectl(*arguments, what=f"waiting for {workload}")
            except KindError as error:
                pods = self.kubectl("get", "pods", "--all-namespaces", "--output=wide", what="listing pods")
                raise KindError(f"{error}\n{pods}") from None

    def _nodes(self) -> list[str]:
        label = f"label=io.x-k8s.kind.cluster={NAME}"
        listed = self.engine.docker("ps", "--filter", label, "--format", "{{.Names}}", what="listing nodes").split()
        if not listed:
            raise KindError("the cluster has no nodes")
        return listed

    def _ensure_network(self) -> None:
        listing = ["network", "ls", "--filter", f"name=^{NETWORK}$", "--quiet"]
        if not self.engine.docker(*listing, what="listing networks"):
            ranges = [f"--subnet={SUBNET}", f"--ip-range={CONTAINERS}"]
            self.engine.docker("network", "create", *ranges, NETWORK, what="creating the container network")
        subnets = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
        found = self.engine.docker("network", "inspect", "--format", subnets, NETWORK, what="looking at the network")
        if SUBNET not in found.split():
            raise KindError(
                f"the container network {NETWORK} has the subnet {found.strip()}, but outside hosts and load balancers "
                f"need {SUBNET}: delete the kind clusters that use it, then: docker network rm {NETWORK}"
            )

    def _run(self, command: Sequence[str | Path], *, what: str, stdin: IO[bytes] | None = None) -> str:
        return run(self.engine.enter(command), what=what, stdin=stdin, environment=self.environment())


def delete_nodes(engine: Engine) -> None:
    """Remove the nodes, if there are any, from an engine that stays. Raises KindError, BuildError, InstallError."""
    kind = programs.built(programs.KIND) / "kind"
    command = engine.enter([kind, "delete", "cluster", f"--name={NAME}"])
    run(command, what="kind delete cluster", environment=engine.environment())


def images(engine: Engine, base: str | None) -> tuple[str, str]:
    """The images under test, made now where they are missing or stale. Raises KindError, InstallError."""
    workloads.ensure_operator(engine, base)
    workloads.ensure_workload(engine)
    return workloads.OPERATOR, workloads.WORKLOAD
