"""Runs a health check as Argo CD does: Lua 5.1, the resource as `obj`, and none of the libraries that it leaves out."""

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime

_KEPT = ["_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "os", "package", "pairs", "pcall"]
_KEPT += ["print", "rawequal", "rawget", "rawset", "require", "select", "setmetatable", "table", "tonumber", "tostring"]
_KEPT += ["type", "unpack", "xpcall"]


def health(script: Path, resource: dict[str, Any]) -> tuple[str, str]:
    """The status and the message that a script gives a resource."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute("debug.setmetatable('', nil)")
    for name in [name for name in lua.globals() if name not in _KEPT]:
        lua.globals()[name] = None
    lua.globals().obj = lua.table_from(resource, recursive=True)
    found = lua.execute(script.read_text())
    return found["status"], found["message"]
