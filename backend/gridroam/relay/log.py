"""The relay's log. Lines about a message bear its digest and station."""

from gridroam.http.log import configure, logger

__all__ = ["configure", "log"]

log = logger("gridroam.relay")
