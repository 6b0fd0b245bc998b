"""Whole applications: every call that their workloads make goes on, and no other packet passes."""

from collections.abc import Iterator

import pytest

from tests.e2e.applications import Application, applications
from tests.e2e.ends import Ends
from tests.e2e.matrix import Tally
from tests.integration.kube import Kube

MEANING = {
    "shop": (
        "strangers, nobody > frontend: 8080",
        "frontend > search: 8080",
        "search > database: 5432",
        "frontend, search > dns",
        "strangers, nobody > strangers, nobody",
    ),
    "bookinfo": (
        "strangers, nobody > productpage: 9080",
        "productpage > details, reviews-v1, reviews-v2, reviews-v3: 9080",
        "reviews-v2, reviews-v3 > ratings: 9080",
        "productpage, reviews-v2, reviews-v3 > dns",
        "strangers, nobody > strangers, nobody",
    ),
    "sock-shop": (
        "strangers > ingress/ingress-controller: 8080",
        "ingress/ingress-controller > front-end: 8079",
        "front-end > catalogue, carts, orders, user: 8080",
        "front-end > session-db: 6379",
        "catalogue, catalogue-import > catalogue-db: 3306",
        "carts > carts-db: 27017",
        "orders > user, carts, payment, shipping: 8080",
        "orders, sales-report > orders-db: 27017",
        "user > user-db: 27017",
        "shipping, queue-master, sales-report > rabbitmq: 5672",
        "monitoring/prometheus > front-end, catalogue, carts, orders, payment, shipping, user: 9090",
        "monitoring/prometheus > queue-master, rabbitmq: 9090",
        "ingress/ingress-controller, front-end, catalogue, carts, orders, user, shipping, queue-master > dns",
        "catalogue-import, sales-report > dns",
        "strangers > strangers",
    ),
}
"""What each graph means, told once more by hand. `nobody` is a pod that no service stands for: it is denied where the
namespace is isolated, as in sock-shop."""

JOBS = {
    "catalogue-import": {"tcp://catalogue-db:3306"},
    "sales-report": {"tcp://orders-db:27017", "tcp://rabbitmq:5672"},
}


@pytest.fixture(scope="module")
def running(kube: Kube, surroundings: Ends, tally: Tally) -> Iterator[dict[str, Application]]:
    with applications(kube, MEANING, surroundings, tally) as found:
        yield found


@pytest.mark.parametrize("name", MEANING)
def test_only_what_the_graph_says_passes(running: dict[str, Application], name: str) -> None:
    application = running[name]
    application.expect("* > *")
    application.apply_graphs()
    application.expect(*MEANING[name])
    application.calls_go_on()


@pytest.mark.parametrize("job", JOBS)
def test_a_scheduled_job_makes_its_calls(running: dict[str, Application], job: str) -> None:
    application = running["sock-shop"]
    application.apply_graphs()
    assert application.run_job(job) == dict.fromkeys(JOBS[job], "answered")
