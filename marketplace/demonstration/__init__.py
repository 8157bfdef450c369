"""Demonstration data: invented suppliers and people at every stage, made only through the actions people use.

Never in production. Everything is placed relative to today, so that a demonstration made at any time shows
call-offs at every stage, a contract well under its minimum, one on its profile, and one about to meet its cap.
"""

from marketplace.demonstration.cast import Invented, people
from marketplace.demonstration.play import Loaded, load

__all__ = ["Invented", "Loaded", "load", "people"]
