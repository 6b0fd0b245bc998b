"""Programs that the tests run; `make test-browser` installs what is missing."""

import shutil

CHROMIUM = shutil.which("chromium") or "chromium: not installed, run make test-browser"
