"""Invoices: one a month and funder, paid through the payments adapter."""
