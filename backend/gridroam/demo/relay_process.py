"""A relay as a server of its own, as `gridroam relay` runs it."""
