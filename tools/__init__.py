"""What developing ServiceGraph takes beside the package itself; never shipped in the wheel."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (people do run make with an older python3)
    sys.exit(
        f"ServiceGraph needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "Name another one, for example: make PYTHON=python3.12 test"
    )
