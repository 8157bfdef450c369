"""Payments: one client that speaks Stripe's API, and a stub server that answers as Stripe does."""
