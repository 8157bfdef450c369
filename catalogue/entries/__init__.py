"""Entries: one per contracted service, straight from its contract."""
