"""Bids: sealed from the first saved word until two officers open them."""
