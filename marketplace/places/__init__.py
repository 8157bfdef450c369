"""Places: probation regions, police force areas and local authorities, and which lies inside which."""
