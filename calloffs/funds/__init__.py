"""Funds: ring-fenced money of a commissioning body, and what is set aside from it."""
