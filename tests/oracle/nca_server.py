"""Runs network-config-analyzer many times in one process; executed by the Python of its own environment.

A line of JSON with the arguments on stdin gives a line of JSON on stdout: the exit code, and what was printed.
"""

import io
import json
import sys


def serve() -> None:
    """Answer until stdin ends."""
    answers, said = sys.stdout, io.StringIO()
    sys.stdout = sys.stderr = said
    # It keeps the streams that it finds when it is imported.
    from nca.nca_cli import nca_main  # type: ignore[import-not-found]

    for line in sys.stdin:
        said.seek(0)
        said.truncate()
        code = nca_main(json.loads(line))
        print(json.dumps({"code": code, "said": said.getvalue()}), file=answers, flush=True)


if __name__ == "__main__":
    serve()
