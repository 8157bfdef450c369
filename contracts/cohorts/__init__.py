"""Cohorts: who was referred in the past, as counts from which nobody can be told."""
