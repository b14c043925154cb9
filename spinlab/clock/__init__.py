"""Time: the virtual event loop and the wall clock behind one interface; nothing else calls the wall clock."""

from spinlab.clock.base import Clock, Stall, Supervisor, Timer
from spinlab.clock.virtual import VirtualClock
from spinlab.clock.wall import WallClock, wall_seconds

__all__ = ["Clock", "Stall", "Supervisor", "Timer", "VirtualClock", "WallClock", "wall_seconds"]
