"""Handovers: open referrals moved from a contract that ends to the one that follows it."""
