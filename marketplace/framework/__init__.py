"""The Dynamic Framework itself: categories, desired outcomes, cohorts, the selection questionnaire."""
