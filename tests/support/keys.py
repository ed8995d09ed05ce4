"""The key of connectors' secrets in tests, and another one."""

from typing import Final

from grantwire.graph.keys import Keys

SECRET_KEY: Final = "dGVzdHMga2VlcCBub3RoaW5nIHdvcnRoIHN0ZWFsaW4="
OTHER_KEY: Final = "YW5vdGhlciBrZXksIGFzIGlmIG9mIGxhc3QgeWVhci4="
KEYS: Final = Keys.parse(SECRET_KEY, "tests")
OTHER: Final = Keys.parse(OTHER_KEY, "tests")
