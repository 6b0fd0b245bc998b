"""What can be shown before there is a cluster: the graph, its picture, and what `render` makes of it."""

from rich.markup import escape

from tools.demo.controlplane import ControlPlane
from tools.demo.manifests import APP_FILE, GRAPH_FILE, SHOP, read
from tools.demo.picture import draw
from tools.demo.programs import CHECKOUT, SERVICEGRAPH, output
from tools.demo.screen import Screen

_SHOWN = "search"


async def show(screen: Screen, control_plane: ControlPlane | None) -> None:
    """The graph and its policies as text: one of them, or all while there is a build to wait for. Raises DemoError."""
    graph = read(GRAPH_FILE)[0]
    folder = SHOP.relative_to(CHECKOUT)
    await screen.chapter("Say who calls whom")
    screen.yaml(GRAPH_FILE.read_text())
    screen.show(draw(graph["spec"], screen.width, screen.pen))
    screen.say(
        f"That is all a person writes ({escape(str(folder))}/{GRAPH_FILE.name}). Labels and ports come from the "
        f"Services and Deployments that are there anyway ({APP_FILE.name}). No cluster is needed to see what it means:"
    )
    screen.command(f"servicegraph render {folder}")
    documents = (await output(*SERVICEGRAPH, "render", str(folder), what="servicegraph render")).split("---\n")[1:]
    if control_plane and control_plane.is_building:
        screen.yaml("---\n".join(documents))
        return
    shown = next(document for document in documents if f"servicegraph.dev/service: {_SHOWN}" in document)
    screen.yaml(shown)
    screen.note(f"… and {len(documents) - 1} more like it.")
