"""The few requests the launcher itself makes: JSON in, JSON out, with the status code."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

_DIRECT = urllib.request.ProxyHandler({})


def request(
    url: str, *, method: str = "GET", body: Any = None, token: str = "", ca: str | None = None, timeout: float = 5.0
) -> tuple[int, Any]:
    """The status code and the answer, decoded where it is JSON. Raises OSError when there is no answer."""
    asked = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    asked.add_header("Content-Type", "application/json")
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    handlers: list[urllib.request.BaseHandler] = [_DIRECT]
    if ca is not None:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=ca)))
    try:
        with urllib.request.build_opener(*handlers).open(asked, timeout=timeout) as answer:
            return answer.status, _decode(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _decode(error.read())


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
