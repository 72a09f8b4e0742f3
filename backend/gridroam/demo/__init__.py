"""The demo: a real week of charging on a market that is invented, played through the real relay."""
