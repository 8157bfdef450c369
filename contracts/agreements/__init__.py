"""Agreements: the contract drawn from an award (or read from the live register), signed by both sides."""
