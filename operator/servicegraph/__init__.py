"""ServiceGraph: one resource says who calls whom; least-privilege network policies follow from it."""

from importlib.metadata import version

__version__ = version("servicegraph")
