"""``grantwire`` in which every library may say what it likes: a secret must not be said by any of them."""

from grantwire.cli import main as program
from grantwire.telemetry import logs


def main() -> None:
    setattr(logs, "_TALKATIVE", ())  # noqa: B010 - the type says that there are some
    program.main()
