"""Links of the documentation that lead out of it, as the site has them."""

import pytest

from tools.docs_site import outward

REPOSITORY = "https://git.example.com/servicegraph/"


@pytest.mark.parametrize(
    ("folder", "link", "made"),
    [
        ("docs", "[roles](../config/rbac)", "[roles](https://git.example.com/servicegraph/blob/main/config/rbac)"),
        ("docs/adr", "[the CRD](../../crds)", "[the CRD](https://git.example.com/servicegraph/blob/main/crds)"),
        ("docs", "[a](../README.md#b)", "[a](https://git.example.com/servicegraph/blob/main/README.md#b)"),
        ("docs/adr", "[rules](../rules.md#r1)", "[rules](../rules.md#r1)"),
        ("docs", "[spec](spec.md)", "[spec](spec.md)"),
    ],
)
def test_a_link_out_of_the_documentation_leads_to_the_repository(folder: str, link: str, made: str) -> None:
    assert outward(f"See {link}.", folder, REPOSITORY) == f"See {made}."


def test_without_a_repository_it_is_its_text() -> None:
    assert outward("See [roles](../config/rbac).", "docs", "") == "See roles."
