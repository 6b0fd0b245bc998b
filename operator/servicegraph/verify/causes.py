"""What in which policy is behind a flow."""

import msgspec

from servicegraph.verify.policies import PolicyKey


class Cause(msgspec.Struct, frozen=True):
    """A policy, and where one is to blame, the rule and peer in it: `ingress[0].from[1]`."""

    policy: PolicyKey
    place: str = ""

    def __str__(self) -> str:
        return f"{self.policy} {self.place}".rstrip()
