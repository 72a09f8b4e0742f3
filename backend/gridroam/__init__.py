"""Gridroam: EV charging sessions, cleared and settled by smart contracts."""

from importlib.metadata import version

__version__ = version("gridroam")
