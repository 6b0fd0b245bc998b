from pathlib import Path

import pytest

from tools.cluster.toolchain import go_environment, kubectl_minor, parse_go_version


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26)), ("go1.27rc1", (1, 27)), ("go1.9", (1, 9)), ("devel +abc", None), ("", None)],
)
def test_go_versions_compare_as_numbers(text: str, version: tuple[int, int] | None) -> None:
    assert parse_go_version(text) == version


def test_the_users_go_settings_do_not_reach_the_build_but_the_proxy_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOFLAGS": "-race", "GOOS": "plan9", "GOROOT": "/elsewhere", "GOPROXY": "https://mine"}.items():
        monkeypatch.setenv(name, value)
    environment = go_environment()
    assert environment["GOFLAGS"] == "-mod=readonly -buildvcs=false"
    assert not {"GOOS", "GOROOT"} & environment.keys()
    assert environment["GOPROXY"] == "https://mine"


@pytest.mark.parametrize(
    ("output", "minor"),
    [('{"clientVersion": {"minor": "36"}}', 36), ('{"clientVersion": {"minor": "36+"}}', 36), ("usage: ...", None)],
)
def test_kubectl_tells_its_minor_version(output: str, minor: int | None, tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    program.chmod(0o755)
    assert kubectl_minor(program) == minor
