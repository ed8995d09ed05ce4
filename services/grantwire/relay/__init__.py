"""The relay: outbox rows onto the bus, in order; exhausted messages into the dead letters."""
