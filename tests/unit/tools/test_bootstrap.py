import pytest

from tools.bootstrap import same_minor


@pytest.mark.parametrize(
    ("answer", "fits"),
    [("uv 0.13.2 (x86_64)", True), ("uv 0.13.9", True), ("uv 0.12.9", False), ("uv 0.1.3", False), ("", False)],
)
def test_uv_from_path_is_used_if_it_is_of_the_pinned_minor_version(answer: str, fits: bool) -> None:
    assert same_minor(answer, "uv==0.13.9") is fits
