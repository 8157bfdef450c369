"""Changes: variations, extension options, suspension and ending of agreements."""
