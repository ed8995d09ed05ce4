"""The command line: a client of the api, and the way to run one service, or all of them in one process."""
