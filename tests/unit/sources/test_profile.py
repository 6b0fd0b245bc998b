"""A ClusterProfile from a file, or what is wrong with it and where."""

from pathlib import Path

import pytest

from servicegraph.model.profile import ClusterProfile, Ranges
from servicegraph.sources.errors import InputError
from servicegraph.sources.profile import read_profile

HEADER = "apiVersion: servicegraph.dev/v1alpha1\nkind: ClusterProfile\n"


def test_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(f"# ours\n---\n{HEADER}ranges: {{pods: [10.244.0.0/16]}}\n")
    assert read_profile(str(tmp_path / "p")) == ClusterProfile(ranges=Ranges(pods=("10.244.0.0/16",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": error: a profile is one document, here are 0: write one with apiVersion: servicegraph.dev/v1alpha1"),
        (f"{HEADER}---\n{HEADER}", ": error: a profile is one document, here are 2: "),
        ("kind: ClusterProfile\n", ":1:1: error: the field 'apiVersion' is missing: a profile starts with apiVersion"),
        (f"{HEADER}kind: ClusterProfile\n", ":3:1: error: 'kind' stands twice"),
        (f"{HEADER}dns: [", ":4:1: error: not valid YAML: "),
        (f"{HEADER}dns:\n  addresses: kube-dns\n", ":4:3: error: expected a list, got a string"),
        (f"{HEADER}ranges:\n  nodes: [10.0.0.1/8]\n", ":4:3: error: ranges.nodes: .*write 10.0.0.0/8"),
        (f"{HEADER}parties:\n  - name: x\n", ":3:1: error: parties: 'x' needs exactly one of pods and cidr"),
        (f"{HEADER}parties:\n  - {{name: x, cidr: foo}}\n", ":3:1: error: parties: 'foo' is not a CIDR"),
        (
            f"{HEADER}dns:\n  service: {{namespace: a, name: b, ports: [0]}}\n",
            ":4:36: error: dns.service.ports: port 0 does not exist",
        ),
        (f"{HEADER}apiServer: {{port: 70000}}\n", ":3:13: error: apiServer.port: port 70000 does not exist"),
        (
            f"{HEADER}parties: [{{name: vault, cidr: 10.4.0.0/24}}]\nlimits: {{forbiddenParties: [vault, Internet]}}\n",
            ":4:10: error: .*there is no party 'Internet': write one of service, .*internet, .*anywhere, vault",
        ),
    ],
)
def test_what_is_wrong_with_it(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(InputError, match=f"p{said}"):
        read_profile(str(tmp_path / "p"))
