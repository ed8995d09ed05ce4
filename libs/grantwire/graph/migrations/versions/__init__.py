"""The schema's history, applied by ``grantwire db upgrade``."""
