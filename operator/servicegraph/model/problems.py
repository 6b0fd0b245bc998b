"""Problems: what is wrong, where, and what to do. Every code stands in the catalogue."""

from enum import StrEnum

import msgspec

from servicegraph.model.refs import GraphKey


class Severity(StrEnum):
    """error: that entry gives no rule. warning: it gives one that may not do what was meant. info: good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Code(StrEnum):
    """Every problem there is. The names are API: people match on them. docs/problems.md explains each."""

    AMBIGUOUS_PORT = "AmbiguousPort"
    AWAITING_CONSENT = "AwaitingConsent"
    CALLEE_NOT_FOUND = "CalleeNotFound"
    CALLEE_NOT_ISOLATED = "CalleeNotIsolated"
    CALLER_NOT_FOUND = "CallerNotFound"
    CIDR_OVER_CLUSTER = "CIDROverCluster"
    COVERAGE_GAP = "CoverageGap"
    DNS_ASSUMED = "DNSAssumed"
    DNS_UNKNOWN = "DNSUnknown"
    DUPLICATE_SERVICE = "DuplicateService"
    ENGINE_UNAVAILABLE = "EngineUnavailable"
    EXTERNAL_SERVICE = "ExternalService"
    FQDN_BYPASS = "FqdnBypass"
    HALF_OPEN = "HalfOpen"
    HEADLESS_PORT_MISMATCH = "HeadlessPortMismatch"
    HOST_NETWORK = "HostNetwork"
    INVALID = "Invalid"
    LABEL_NOT_ENFORCEABLE = "LabelNotEnforceable"
    LIMIT_EXCEEDED = "LimitExceeded"
    MATCHES_NOTHING = "MatchesNothing"
    MESH_CONTROL_PLANE = "MeshControlPlane"
    MESH_PORT = "MeshPort"
    NAMED_PORT_DIVERGES = "NamedPortDiverges"
    NAME_TAKEN = "NameTaken"
    NAME_WITHOUT_DNS = "NameWithoutDNS"
    NODE_LOCAL_DNS = "NodeLocalDNS"
    NODES_NOT_MATCHED = "NodesNotMatched"
    NO_PODS = "NoPods"
    NO_STABLE_LABELS = "NoStableLabels"
    NOT_ENFORCED = "NotEnforced"
    NOT_LISTED = "NotListed"
    POLICY_MAP_OVERFLOW = "PolicyMapOverflow"
    POLICY_REFUSED = "PolicyRefused"
    PORT_NOT_FOUND = "PortNotFound"
    POSSIBLE_OVERLAP = "PossibleOverlap"
    PROFILE_INCOMPLETE = "ProfileIncomplete"
    REDUNDANT_ENTRY = "RedundantEntry"
    RENDERED_COPY = "RenderedCopy"
    SCTP_NOT_ENABLED = "SCTPNotEnabled"
    SELECTOR_OVERLAP = "SelectorOverlap"
    SERVICE_PORT_DIFFERS = "ServicePortDiffers"
    SERVICE_SELECTOR_DIFFERS = "ServiceSelectorDiffers"
    SOURCE_ADDRESS_LOST = "SourceAddressLost"
    TOO_MANY_PORTS = "TooManyPorts"
    UNEXPLAINED_ANYWHERE = "UnexplainedAnywhere"
    UNKNOWN_PARTY = "UnknownParty"
    UNSUPPORTED_FQDN = "UnsupportedFQDN"
    UNUSED_CONSENT = "UnusedConsent"
    WIDE_CIDR = "WideCIDR"
    WIDE_NAMESPACES = "WideNamespaces"
    WIDE_OPEN = "WideOpen"
    WIDE_PORTS = "WidePorts"


class Problem(msgspec.Struct, frozen=True):
    """One finding in a graph. `path` is a JSON path into the resource, such as `.spec.services[0].calls[1]`."""

    code: Code
    severity: Severity
    graph: GraphKey
    path: str
    message: str

    @property
    def rank(self) -> tuple[int, str, str, str]:
        """The worst first, then a stable order."""
        return (_ORDER[self.severity], self.code.value, self.path, self.message)
