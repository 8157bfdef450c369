"""Evaluation: marks made alone, one agreed mark, a ranking."""
