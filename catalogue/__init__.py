"""The catalogue officers search, and everything published as open data."""
