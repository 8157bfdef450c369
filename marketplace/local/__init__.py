"""PostgreSQL and Valkey for one machine, when no URL is given, and the supervisor that keeps everything running.

Nothing here imports Flask or the rest of the marketplace: it runs before them.
"""
