"""Collectors: a job in, the snapshot of one scope out."""
