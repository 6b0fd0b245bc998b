"""The workflow that comments a pull request: its own steps, in a real repository. Only GitHub is not there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import ROOT

WORKFLOW = ROOT / "config" / "pull-request" / "github.yml"
JOB: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["flows"]
STEPS = {step["name"]: step for step in JOB["steps"] if "name" in step}
SHOP = ROOT / "examples" / "shop"
GITHUB = {
    "github.token": "a-token",
    "github.repository": "acme/shop",
    "github.event.pull_request.number": "7",
}
ANOTHER = [{"id": 1, "author": "github-actions[bot]", "body": "of another workflow"}]
FAKE = [{"id": 2, "author": "eve", "body": "<!-- servicegraph -->\nNo flow changes."}]


class PullRequest:
    """A checkout as actions/checkout makes it of a pull request's merge, and the comments there are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.temporary = folder / "runner"
        self.comments_file = folder / "comments.json"
        self.summary = folder / "summary.md"
        self.output = folder / "output"
        self._env = {**os.environ, "GH_COMMENTS": str(self.comments_file), "RUNNER_TEMP": str(self.temporary)}
        self._env |= {"GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_OUTPUT": str(self.output)}
        programs = folder / "programs"
        for made in (self.temporary, programs, self.folder / "deploy"):
            made.mkdir(parents=True)
        shutil.copy(ROOT / "tests" / "support" / "gh.py", programs / "gh")
        (programs / "gh").chmod(0o755)
        self._env["PATH"] = f"{programs}:{Path(sys.executable).parent}:{self._env['PATH']}"
        self.comments_file.write_text(json.dumps(ANOTHER + FAKE))
        for name in ("app.yaml", "servicegraph.yaml"):
            shutil.copy(SHOP / name, self.folder / "deploy")
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("commit", "-qm", "main")
        self.git("checkout", "-q", "-b", "branch")

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", self.folder, *who, *arguments], check=True, capture_output=True)

    def commit(self, old: str, new: str) -> None:
        """One more commit on the branch."""
        file = self.folder / "deploy" / "servicegraph.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        self.git("commit", "-qam", "change")

    def run(self, fork: bool = False, **settings: str) -> int:
        """The job, on the merge of the branch as it is. The code of the first step that fails, else 0."""
        self.git("checkout", "-q", "--detach", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", "branch")
        self.summary.write_text("")
        self.output.write_text("")
        try:
            for name in ("Compare", "Comment", "Result"):
                if not (fork and "if" in STEPS[name]):
                    done = self._step(STEPS[name], settings)
                    if done.returncode:
                        return done.returncode
            return 0
        finally:
            self.git("checkout", "-q", "branch")

    def _step(self, step: dict[str, Any], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
        outputs = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
        known = {**GITHUB, **{f"steps.compare.outputs.{name}": value for name, value in outputs.items()}}
        env = {
            name: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], str(value))
            for name, value in {**JOB["env"], **step.get("env", {}), **settings}.items()
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        return subprocess.run(
            shell, cwd=self.folder, env={**self._env, **env}, capture_output=True, text=True, check=False
        )

    @property
    def comments(self) -> list[str]:
        """What the workflow said."""
        return [comment["body"] for comment in json.loads(self.comments_file.read_text())[2:]]

    def untouched(self) -> bool:
        """Whether the comments of others are as they were."""
        return bool(json.loads(self.comments_file.read_text())[:2] == ANOTHER + FAKE)


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


WIDER = ("calls: [{service: search}]", "calls: [{service: search}, {service: database}]")
ADDED = "| **added** | `shop/frontend` | `shop/database` | `5432` | shop/shop: frontend calls database (after:deploy/"


def test_a_pull_request_gets_one_comment_that_follows_it(pull_request: PullRequest) -> None:
    pull_request.commit(*WIDER)
    assert pull_request.run() == 0
    (first,) = pull_request.comments
    assert first.startswith("<!-- servicegraph -->\n### Access: 1 added: access widens.\n")
    assert ADDED in first
    assert ADDED in pull_request.summary.read_text()

    pull_request.commit("accepts: [{anywhere: true, ports: [http]}]", "accepts: []")
    assert pull_request.run() == 0
    (second,) = pull_request.comments
    assert "1 added, 1 removed" in second

    pull_request.git("revert", "--no-edit", "HEAD", "HEAD~1")
    assert pull_request.run() == 0
    assert ["No flow changes." in comment for comment in pull_request.comments] == [True]
    assert pull_request.untouched()


def test_nothing_is_said_where_no_flow_changes(pull_request: PullRequest) -> None:
    pull_request.commit("calls: [{service: search}]", "calls: [{service: search, reason: to find things}]")
    assert pull_request.run() == 0
    assert pull_request.comments == []
    assert "No flow changes." in pull_request.summary.read_text()


@pytest.mark.parametrize(("fail_on", "code"), [("", 0), ("widened", 1), ("changed", 1)])
def test_a_wider_access_fails_the_check_where_that_is_asked_for(
    fail_on: str, code: int, pull_request: PullRequest
) -> None:
    pull_request.commit(*WIDER)
    assert pull_request.run(FAIL_ON=fail_on) == code
    assert ADDED in pull_request.comments[0]


def test_what_cannot_be_read_fails_and_says_where(pull_request: PullRequest) -> None:
    pull_request.commit("calls: [{service: search}]", "calls: [{service: search]")
    assert pull_request.run() == 2
    (comment,) = pull_request.comments
    assert re.search(r"### Access: not compared\n\n    after:deploy/servicegraph\.yaml:8\S*: error: ", comment)


def test_a_fork_has_the_summary_and_no_comment(pull_request: PullRequest) -> None:
    pull_request.commit(*WIDER)
    assert pull_request.run(fork=True, FAIL_ON="widened") == 1
    assert pull_request.comments == []
    assert ADDED in pull_request.summary.read_text()


def test_the_profile_is_read_where_one_is_named(pull_request: PullRequest) -> None:
    pull_request.commit(*WIDER)
    assert pull_request.run(PROFILE="deploy/nowhere.yaml") == 2
    assert "deploy/nowhere.yaml" in pull_request.comments[0]


def test_it_may_no_more_than_comment_and_runs_nothing_of_others() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert list(workflow[True]) == ["pull_request"]
    assert (workflow["permissions"], JOB["permissions"]) == ({}, {"contents": "read", "pull-requests": "write"})
    for step in JOB["steps"]:
        assert "${{" not in step.get("run", ""), "what others wrote is never part of a script"
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}"))
    assert "head.repo.full_name == github.repository" in STEPS["Comment"]["if"]
