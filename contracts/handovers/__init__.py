"""Handing a service over to the next supplier: planned, decided case by case, run, chased, and undone."""
