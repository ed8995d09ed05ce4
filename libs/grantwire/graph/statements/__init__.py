"""Every SQL statement of Grantwire, named and explained. Values are always bound."""
