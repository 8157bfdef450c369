"""Payments: invoices at the payment provider, what it tells us, and where its books differ from ours."""
