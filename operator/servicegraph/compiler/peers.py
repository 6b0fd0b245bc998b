"""A party as peers, or why it has none."""

import msgspec

from servicegraph.compiler.terms import Finding, Term
from servicegraph.model.policy import Peer
from servicegraph.model.ports import PortRange
from servicegraph.model.problems import Code, Severity
from servicegraph.model.selectors import EVERYTHING


class Peers(msgspec.Struct, frozen=True):
    """A party as peers. With none, `findings` say why. `reached` is how its ports are numbered, where pods tell.

    `ports` stand in where the entry writes none.
    """

    peers: tuple[Peer, ...] = ()
    findings: tuple[Finding, ...] = ()
    reached: Term = Term(EVERYTHING)
    ports: tuple[PortRange, ...] = ()


def incomplete(what: str, fields: list[str]) -> Peers:
    """No peers, because nobody says what the profile has these fields for (R17)."""
    return failed(
        Code.PROFILE_INCOMPLETE,
        f"nobody says {what}, and nothing is guessed: write {', '.join(fields)} in the ClusterProfile",
    )


def failed(code: Code, message: str) -> Peers:
    """No peers, and the reason."""
    return Peers(findings=(error(code, message),))


def error(code: Code, message: str) -> Finding:
    """A reason for which an entry gives no rule."""
    return Finding(code, Severity.ERROR, message)
