"""Statements of a participant's account, receipts of single sessions, and their proof from the chain.

They are made from an index and trusted by nobody: `verify` takes one that came from anywhere and
asks a node.
"""
