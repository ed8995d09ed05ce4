"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

StateDirOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state-dir", help="State directory of the Grantwire to use or run; else GRANTWIRE_STATE_DIR."),
]
ConnectorArgument: TypeAlias = Annotated[str, typer.Argument(metavar="CONNECTOR", help="The connector's id.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
ConnectorsOption: TypeAlias = Annotated[
    Path | None, typer.Option("--connectors", help="A YAML file of connectors to add before syncing.")
]
ExitOption: TypeAlias = Annotated[
    bool, typer.Option("--exit-when-synced", help="Sync every connector once, tell, and end.")
]
ExportOption: TypeAlias = Annotated[
    Path | None, typer.Option("--export", help="Write the graph here as JSON lines after the sync.")
]
PortOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Port of the api; 0: any. Chosen once and kept, unless given."),
]
TracesOption: TypeAlias = Annotated[
    bool, typer.Option("--traces/--no-traces", help="Run the development trace viewer as well.")
]
TimeoutOption: TypeAlias = Annotated[float, typer.Option("--timeout", min=1, help="Seconds a sync may take.")]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log lines on stderr instead of into the log file.")
]
