"""What ``slipway conform`` is told, option by option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str | None, typer.Argument(help="where the server listens, such as http://127.0.0.1:8080")]
Endpoint = Annotated[str | None, typer.Option(help="ask this endpoint with InvokeEndpoint instead")]
Variant = Annotated[str | None, typer.Option(help="the variant to ask; of an endpoint with several")]
Environment = Annotated[str, typer.Option("-e", "--environment", help="where the endpoint runs")]
Server = Annotated[
    str | None,
    typer.Option(help="what the server is, as specs name it: in whose words --model asks, and what it is known for"),
]
Example = Annotated[list[Path] | None, typer.Option(help="file with a request; may be repeated")]
Expect = Annotated[list[Path] | None, typer.Option(help="file with the answer to each example")]
Model = Annotated[str | None, typer.Option(help="ask a model's own samples; its original is the judge")]
Tolerance = Annotated[float, typer.Option(min=0, help="how far a number may be from the expected one")]
ContentType = Annotated[str, typer.Option(help="of the examples")]
Accept = Annotated[str | None, typer.Option(help="media type of the answers; the server chooses if absent")]
SlowExample = Annotated[Path | None, typer.Option(help="file with a request that takes about a second")]
Stream = Annotated[str | None, typer.Option(help="media type of a streamed answer")]
StreamExample = Annotated[
    Path | None, typer.Option(help="file with a request whose stream has several parts; else the slow one")
]
MultiModel = Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of a model to load; twice")]
Command = Annotated[str | None, typer.Option(help="starts the server, for checks that stop it")]
FailingCommand = Annotated[str | None, typer.Option(help="starts it with a model that cannot be loaded")]
StartupSeconds = Annotated[float, typer.Option(min=1, help="how long a start may take")]
Callers = Annotated[int, typer.Option(min=2, max=256, help="how many ask at once")]
Only = Annotated[list[str] | None, typer.Option(help="a check to run; may be repeated")]
