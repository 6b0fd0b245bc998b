"""Where the story plays: an embedded cluster, or a namespace of the user's own."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster and how to be its administrator. `kubeconfig` None is what the user's environment names.

    The shop is in `namespace`, the operator's ServiceAccount in `home`; `confined` means that the operator may serve
    that namespace only; `profile` then tells it what it cannot read itself. `folder` is for files of the same lifetime.
    """

    kubeconfig: Path | None
    namespace: str
    home: str
    folder: Path
    confined: bool
    profile: Path | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """What tells kubectl which cluster is meant."""
        return ("--kubeconfig", str(self.kubeconfig)) if self.kubeconfig else ()
