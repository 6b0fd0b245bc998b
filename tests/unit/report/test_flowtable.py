"""Changed flows as Markdown: nothing that anybody wrote in a graph breaks the table, and it fits a comment."""

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.report.flowtable import LONGEST, Row, markdown


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


def row(number: int, why: str = "shop/shop: a calls b") -> Row:
    return Row("added", f"shop/caller-{number}", "shop/database", "5432", (why,), True)


def test_what_does_not_fit_is_counted() -> None:
    text = markdown("9000 added: access widens.", [row(number) for number in range(9000)], ["Other labels: a."])
    shown = text.count("| **added** |")
    assert 100 < shown < 9000
    assert f"{9000 - shown} more changes do not fit here" in text
    assert text.endswith("Other labels: a.\n")
    assert len(text) > LONGEST - 300


@given(st.lists(st.builds(row, st.integers(0), st.text(max_size=50)), max_size=5), st.lists(st.text(), max_size=3))
def test_what_fits_is_all_there(rows: list[Row], asides: list[str]) -> None:
    text = markdown("some", rows, asides)
    assert text.count("| **added** |") == len(rows)
    assert "do not fit" not in text


@given(
    st.lists(st.builds(row, st.integers(0), st.integers(0, 70_000).map("|".__mul__)), max_size=5),
    st.lists(st.integers(0, 70_000).map("x".__mul__), max_size=3),
)
def test_it_is_never_longer_than_a_comment_may_be(rows: list[Row], asides: list[str]) -> None:
    assert len(markdown("some", rows, asides)) <= LONGEST
