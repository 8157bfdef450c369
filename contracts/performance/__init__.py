"""How a contract performs: measures agreed by both sides, counted from records, in a scorecard of three parts."""
