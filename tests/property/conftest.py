"""How many examples the properties try: the same few every time, or SERVICEGRAPH_PROPERTY_EXAMPLES new ones.

The few are not shrunk when one fails: that takes minutes, and searching does it.

Hypothesis mixes constants of the modules that happen to be imported into what it draws. Without them one file alone,
one layer alone and everything together try the same few.
"""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

_MORE = os.environ.get("SERVICEGRAPH_PROPERTY_EXAMPLES")
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

HypothesisProvider._local_constants = Constants()  # type: ignore[assignment]

settings.register_profile(
    "every time",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=_SLOW,
)
settings.register_profile("searching", deadline=None, max_examples=int(_MORE or 1), suppress_health_check=_SLOW)
settings.load_profile("searching" if _MORE else "every time")
