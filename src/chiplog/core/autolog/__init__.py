"""Autologging: what an integration fills in, and the engine that runs it.

An integration says where to look and what to read (:mod:`.integration`); patching, runs, nesting,
guarding, receipts and undoing are done here.
"""
