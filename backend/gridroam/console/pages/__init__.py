"""A module for each page: what it needs from the index and the chain, and what it is shown with."""
