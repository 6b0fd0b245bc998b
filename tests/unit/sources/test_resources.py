"""Paths of the API: what stands in them leads nowhere else."""

import pytest
from yarl import URL

from servicegraph.sources.objects import NODES, SERVICES
from servicegraph.sources.resources import api_path


def test_collections_objects_and_subresources() -> None:
    assert SERVICES.path() == "/api/v1/services"
    assert SERVICES.path("shop") == "/api/v1/namespaces/shop/services"
    assert SERVICES.path("shop", "search", "status") == "/api/v1/namespaces/shop/services/search/status"
    assert NODES.path("shop", "one") == "/api/v1/nodes/one"
    assert api_path("apps", "v1") == "/apis/apps/v1"


@pytest.mark.parametrize("name", ["../../other/rollouts/x", "a/b", "a?b=", "a#b", "a%2Fb", "a b", "%2e%2e"])
def test_a_name_is_one_segment_whatever_it_holds(name: str) -> None:
    path = api_path("argoproj.io", "v1", "namespaces", "shop", "rollouts", name, "scale")
    sent = URL(f"https://server{path}").raw_path
    assert sent.split("/")[:6] == ["", "apis", "argoproj.io", "v1", "namespaces", "shop"]
    assert (len(sent.split("/")), sent.split("/")[-1]) == (9, "scale")


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_that_clients_resolve_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name in the path of an API"):
        api_path("apps", "v1", "namespaces", name, "deployments")
