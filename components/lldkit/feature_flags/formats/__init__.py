"""Documents of other systems, read into the model that the one engine evaluates."""

from lldkit.feature_flags.formats.flagd import FLAGD
from lldkit.feature_flags.formats.growthbook import GROWTHBOOK
from lldkit.feature_flags.formats.unleash import UNLEASH

__all__ = ["FLAGD", "GROWTHBOOK", "UNLEASH"]
