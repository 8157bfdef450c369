"""Suppliers joining the framework: applications and qualifications."""
