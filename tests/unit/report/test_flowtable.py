"""Changed flows as Markdown: nothing that anybody wrote in a graph breaks the table."""

from servicegraph.report.flowtable import Row, markdown


def test_a_row_for_each_change_and_what_else_is_to_be_said() -> None:
    rows = [
        Row("added", "shop/a", "shop/b", "80", ("shop/shop: a calls b (x.yaml:3)",), more=True),
        Row("removed", "shop/a", "anywhere", "", (), more=False),
    ]
    assert markdown("1 added, 1 removed: access widens.", rows, ["By the way."]) == (
        "### Access: 1 added, 1 removed: access widens.\n"
        "\n"
        "| | from | to | ports | because of |\n"
        "|---|---|---|---|---|\n"
        "| **added** | `shop/a` | `shop/b` | `80` | shop/shop: a calls b (x.yaml:3) |\n"
        "| removed | `shop/a` | `anywhere` |  |  |\n"
        "\n"
        "By the way.\n"
    )


def test_no_change_is_a_headline_alone() -> None:
    assert markdown("No flow changes.", []) == "### Access: No flow changes.\n"


def test_nothing_ends_a_cell_or_begins_a_tag() -> None:
    (line,) = markdown("x", [Row("added", "a|b", "c", "", ("<img>\nd",), more=True)]).splitlines()[-1:]
    assert line == "| **added** | `a\\|b` | `c` |  | &lt;img> d |"
