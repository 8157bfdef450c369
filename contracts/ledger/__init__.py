"""Ledger: what is owed, credited and paid, as postings that balance and are never changed."""
