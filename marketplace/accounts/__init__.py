"""Accounts: organisations, people, the roles they hold, signing in."""
