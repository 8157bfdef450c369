"""Call-off competitions: planning a need, competing for it, sealed bids, evaluation and award."""
