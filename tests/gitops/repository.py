"""A git repository that Argo CD reads, and a clone of it to commit from."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_IDENTITY = {"NAME": "Ada", "EMAIL": "ada@example.com"}
_ENVIRONMENT = {
    **{f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in _IDENTITY.items()},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """`url` is where Argo CD finds it, `clone` the folder with the files as they were pushed last."""

    def __init__(self, bare: Path, url: str, clone: Path) -> None:
        self.url = url
        self.clone = clone
        self._git(bare.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        self._git(clone.parent, "clone", "--quiet", str(bare), str(clone))

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Write files, remove those that are None, and push: the revision."""
        for name, content in files.items():
            path = self.clone / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self._git(self.clone, "add", "--all")
        self._git(self.clone, "commit", "--quiet", "--allow-empty", "--message=Change what is asked for")
        self._git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        return self._git(self.clone, "rev-parse", "HEAD").strip()

    def _git(self, folder: Path, *arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, env=os.environ | _ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
