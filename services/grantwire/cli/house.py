"""Every service in this one process, each entered by the same door as when it runs alone."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from grantwire import telemetry
from grantwire.cli.servers import Servers
from grantwire.cli.settings import API_FILE, Target


@dataclass(frozen=True)
class House:
    """Everything runs; ``api`` is where to ask."""

    servers: Servers
    api: Target


@asynccontextmanager
async def house(servers: Servers, port: int) -> AsyncIterator[House]:
    """Start the services, and tell other processes through the state directory where the api is."""
    async with AsyncExitStack() as stack:
        with telemetry.detached():  # their endless loops belong to nobody's trace
            for name, module in servers.modules.items():
                running = await stack.enter_async_context(module.build(_settings(name, module, servers, port)))
        target = Target(running.url, servers.token, servers.traces, servers.state.path)
        _announce(stack, servers, target)
        yield House(servers, target)


def _settings(name: str, module: Any, servers: Servers, port: int) -> Any:
    told: dict[str, Any] = {"database_url": servers.database_url, **servers.bus(name).model_dump()}
    if "secret_key_file" in module.Settings.model_fields:
        told |= servers.keys.model_dump()
    if name == "api":
        told |= {"admin_token": servers.token, "api_port": port}
    return module.Settings(**told)


def _announce(stack: AsyncExitStack, servers: Servers, target: Target) -> None:
    path = servers.state.path / API_FILE
    told = {"url": target.url, "traces": target.traces, "pid": os.getpid()}
    servers.state.write(path, json.dumps(told) + "\n")
    stack.callback(path.unlink, missing_ok=True)
