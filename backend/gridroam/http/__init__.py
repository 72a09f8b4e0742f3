"""What every HTTP service of ours has: problems, cursors, limits, keys, a server."""
