"""Virtual time, seeded faults and crashes: proof that code keeps its promises when time, network and processes do not.

- `run_virtual(main())` runs real asyncio code, and the threads it starts, in virtual time: a day takes milliseconds.
"""

from lldkit.simulation.clock import SkewedClock, VirtualClock
from lldkit.simulation.interface import Order, SimulationError, Stuck, TooLong, Unfair
from lldkit.simulation.loop import run_virtual

__all__ = ["Order", "SimulationError", "SkewedClock", "Stuck", "TooLong", "Unfair", "VirtualClock", "run_virtual"]
