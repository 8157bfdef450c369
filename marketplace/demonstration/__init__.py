"""Demonstration data: invented suppliers and people at every stage, made only through the actions people use.

Never in production. Everything is placed relative to today, so that a demonstration made at any time shows
call-offs at every stage; contracts well under their minimum, on their profile, about to meet their cap and full, in
their first year and their second, changed, ending and handed over; and their money month by month.
"""

from marketplace.demonstration.cast import Invented, people
from marketplace.demonstration.play import Loaded, load

__all__ = ["Invented", "Loaded", "load", "people"]
