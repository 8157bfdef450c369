"""Measurements of the whole marketplace at ten times today's scale: `script/bench`."""
