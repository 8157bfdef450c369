"""Call-off competitions: drafted, approved by somebody else, published, closed by the clock."""
