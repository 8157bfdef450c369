"""Plans: a need, its projected volume, and the bands around it."""
