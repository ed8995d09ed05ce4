"""What services say to each other: commands, events, resources, subjects, streams. Pure: no I/O, no event loop."""
