"""The picture as one HTML file that loads nothing: script, style and data are inside, and its policy says so."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

ASSETS = "assets"
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def page(document: Mapping[str, Any], title: str, caption: str) -> str:
    """The page that shows a document, which is the one that `-o json` prints."""
    environment = Environment(
        loader=PackageLoader("servicegraph.report"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    script = _asset("page.js")
    return environment.get_template("page.html.j2").render(
        title=title,
        caption=caption,
        version=document["summary"]["version"],
        style=Markup(_asset("style.css")),
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        document=Markup(embedded(document)),
    )


def embedded(document: Mapping[str, Any]) -> str:
    """JSON that no HTML parser takes for markup, whatever is in it."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _asset(name: str) -> str:
    return (files("servicegraph.report") / ASSETS / name).read_text(encoding="utf-8")
