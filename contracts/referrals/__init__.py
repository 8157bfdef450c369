"""Referrals: people referred to a service, and the sessions they were offered."""
