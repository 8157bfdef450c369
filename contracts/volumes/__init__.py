"""Volumes: actual referrals against the profile, the bands and the cap."""
