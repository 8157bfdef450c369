"""Mobilisation: what must be ready before a contract begins, and the promises kept while it runs."""
