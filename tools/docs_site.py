"""What mkdocs.yml adds to mkdocs: links that leave docs/ lead to the repository, and without a `repo_url` are text."""

import posixpath
import re
from typing import Any

_OUTSIDE = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>\.\./[^)#\s]+)(?P<fragment>#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Called by mkdocs with the text of each page; what it returns is rendered."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")
    return outward(markdown, folder, config.repo_url or "")


def outward(markdown: str, folder: str, repository: str) -> str:
    """The text of a page in this folder of the checkout, with its links out of docs/ made links to the repository."""

    def lead(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link["path"]))
        if target.startswith("docs/"):
            return link[0]
        if not repository:
            return link["text"]
        return f"[{link['text']}]({repository.rstrip('/')}/blob/main/{target}{link['fragment'] or ''})"

    return _OUTSIDE.sub(lead, markdown)
