"""The ServiceGraph's status, as `kubectl get` shows it."""

from collections.abc import Callable

from rich.markup import escape

from tools.demo.scene import Scene
from tools.demo.watch import Objects


def is_ready(scene: Scene) -> Callable[[Objects], bool]:
    """The condition that the graph, in its present generation, is Ready."""

    def ready(found: Objects) -> bool:
        graph = found.get(scene.graph_name, {})
        now = graph.get("metadata", {}).get("generation")
        return any(
            condition["type"] == "Ready" and condition["status"] == "True" and condition["observedGeneration"] == now
            for condition in graph.get("status", {}).get("conditions", ())
        )

    return ready


def show_status(scene: Scene) -> None:
    """The line, and the problems if there are any."""
    status = scene.graphs.objects[scene.graph_name]["status"]
    columns = {
        "NAME": scene.graph_name,
        "READY": next(one["status"] for one in status["conditions"] if one["type"] == "Ready"),
        "SERVICES": str(status["services"]),
        "EDGES": str(status["edges"]["total"]),
        "POLICIES": str(status["policies"]),
        "PROBLEMS": str(status["problemCount"]),
    }
    scene.screen.command(f"kubectl get servicegraph -n {scene.namespace}")
    widths = {title: max(len(title), len(value)) + 3 for title, value in columns.items()}
    scene.screen.note("".join(f"{title:{widths[title]}}" for title in columns))
    scene.screen.note("".join(f"{value:{widths[title]}}" for title, value in columns.items()))
    for problem in status.get("problems", ()):
        scene.screen.note(f"{problem['severity']} {problem['code']}: {escape(problem['message'])}")
