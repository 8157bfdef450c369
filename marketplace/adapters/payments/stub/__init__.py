"""A server that answers as Stripe does, for what the marketplace asks of it. No money moves. Loopback only."""
