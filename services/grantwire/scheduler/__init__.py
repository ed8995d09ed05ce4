"""The scheduler: decides what is due, publishes one job per scope."""
