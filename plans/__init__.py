"""The reference laboratory's plans. They see devices and numbers, never a simulator."""

from plans.fid import fid
from plans.storage import storage

__all__ = ["fid", "storage"]
