"""Statements of a participant's account and receipts of single sessions, with their proofs.

They are made from an index and trusted by nobody: `verify` takes one that came from anywhere and
asks a node.
"""
