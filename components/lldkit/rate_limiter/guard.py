"""What stands in front of an engine: fewer trips, and an answer when it is down. Guards are stores, and nest.

    Fallback(Leased(Denials(engine), units=50, seconds=1.0), on_error="local", share=0.1)

asks the engine for 50 units at a time, does not ask it about blocked keys, and survives without it. `Denials` belongs
behind `Leased`, not before it: in front it would also refuse what a lease could still serve.
"""

from lldkit.rate_limiter.denials import Denials
from lldkit.rate_limiter.fallback import Fallback
from lldkit.rate_limiter.leased import Leased

__all__ = ["Denials", "Fallback", "Leased"]
