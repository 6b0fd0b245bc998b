"""What the status says is true at the moment it says so."""

from tests.integration.kube import Kube, path_of
from tests.integration.look import ready
from tests.integration.support import History, shop_pods
from tests.integration.world import SHOP, calls, graph
from tests.waiting import eventually

CALLEES: tuple[list[str], ...] = ([], ["search"], ["database"], ["search", "database"])


def test_ready_is_never_early(kube: Kube, shop: str) -> None:
    """Resource versions count the writes of all kinds: when a status says Ready, its generation is in force."""
    history = History(kube, shop)
    start = kube.call("GET", path_of("ServiceGraph", ""))["metadata"]["resourceVersion"]
    generations = {}
    for turn in range(20):
        callees = CALLEES[turn % len(CALLEES)]
        kube.apply(graph(shop, "shop", {**SHOP, "frontend": calls(*callees)}))
        found = kube.get("ServiceGraph", shop, "shop") or {}
        generations[found["metadata"]["generation"]] = {f"frontend > {name}:8080" for name in callees}
    eventually(lambda: ready(kube, shop), "the last generation is Ready")
    states = history.states()
    told = []
    for event in kube.watch("ServiceGraph", start):
        found = event["object"]
        conditions = {c["type"]: c["status"] for c in found.get("status", {}).get("conditions", ())}
        if found["metadata"]["namespace"] != shop or conditions.get("Ready") != "True":
            continue
        generation, version = found["status"]["observedGeneration"], int(found["metadata"]["resourceVersion"])
        if generation in generations and generation not in told:
            in_force = [policies for written, policies in states if written <= version][-1]
            flows = shop_pods(shop).flows(in_force)
            assert flows == generations[generation] | {"search > database:8080"}, f"of generation {generation}"
            told.append(generation)
    assert told, "some were Ready before the next came"
