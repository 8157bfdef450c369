"""Search: by need, place and cohort."""
