"""What a graph's author knows already and does not want to hear again."""

from collections.abc import Iterable

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Problem


def reported(problems: Iterable[Problem], graph: Graph) -> list[Problem]:
    """The problems of a graph that it does not ignore, the worst first."""
    paths = {service.key.name: service.path for service in graph.services}
    ignored = [(ignore.code, ignore.service) for ignore in graph.ignores]

    def is_ignored(problem: Problem) -> bool:
        return any(
            code == problem.code and (service is None or _inside(problem.path, paths.get(service)))
            for code, service in ignored
        )

    return sorted((p for p in set(problems) if not is_ignored(p)), key=lambda problem: problem.rank)


def _inside(path: str, outer: str | None) -> bool:
    return outer is not None and (path == outer or path.startswith((f"{outer}.", f"{outer}[")))
