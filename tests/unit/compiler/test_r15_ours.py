"""R15, as far as compiling goes: deterministic names and our hash; nothing of the resource is copied."""

from servicegraph.compiler.emit.names import HASH_ANNOTATION, policy_name, rendered_name
from servicegraph.compiler.parse import parse
from servicegraph.model.selectors import Selector
from tests.unit.compiler.cluster import World, app, graph

SPEC = "services: [{name: web, calls: [{service: api}]}, {name: api}]"


def test_a_policy_has_our_name_labels_and_the_hash_of_its_spec() -> None:
    made = World(app("shop/web"), app("shop/api"), graph("shop/shop", SPEC)).manifests
    web = made[f"shop/{policy_name('web', Selector.from_labels({'app': 'web'}))}"]
    assert web["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "servicegraph-operator",
        "servicegraph.dev/graph": "shop",
        "servicegraph.dev/service": "web",
    }
    hashes = {m["metadata"]["annotations"][HASH_ANNOTATION] for m in made.values()}
    assert len(hashes) == len(made)
    assert "ownerReferences" not in web["metadata"]


def test_labels_and_annotations_of_the_resource_are_not_copied() -> None:
    metadata = {"name": "shop", "namespace": "shop", "labels": {"team": "x"}, "annotations": {"note": "y"}}
    raw = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": metadata}
    parsed = parse({**raw, "spec": {"services": [{"name": "web"}]}})
    assert parsed.graph is not None
    (made,) = World(app("shop/web"), parsed.graph).manifests.values()
    assert "team" not in made["metadata"]["labels"]
    assert "note" not in made["metadata"]["annotations"]


def test_what_render_prints_has_a_name_that_is_not_ours() -> None:
    ours = policy_name("web", Selector())
    assert ours.startswith("sg-")
    assert not rendered_name(ours).startswith("sg-")
