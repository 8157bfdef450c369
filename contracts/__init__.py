"""Contracts: what was agreed, the people referred, the volume reached and the money paid."""
