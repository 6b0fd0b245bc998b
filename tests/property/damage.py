"""JSON of any kind, and JSON that is wrong in one place."""

from typing import Any

from hypothesis import strategies as st

ANY = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["80", "*", "/"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The path of every value inside a value, as keys and indices."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield (*path, step)
        yield from places(item, (*path, step))


def damaged(value: Any, path: tuple[Any, ...], new: Any, name: str | None) -> Any:
    """The value with another one at a path; with `name`, the same one under another key."""
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [(damaged(v, rest, new, name) if rest else new) if i == step else v for i, v in enumerate(value)]
    if rest:
        return {k: damaged(v, rest, new, name) if k == step else v for k, v in value.items()}
    return {(name or k) if k == step else k: new if k == step and name is None else v for k, v in value.items()}
