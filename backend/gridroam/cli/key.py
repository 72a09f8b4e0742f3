"""`gridroam key`: makes an API key for an operator's endpoints."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def key(name: Annotated[str, typer.Argument(help="Whose key it is, for the logs.")]) -> None:
    """Print a new API key, which is shown once, and the entry for `api_keys` that knows it."""
    from gridroam.http.keys import new_key

    made = new_key(name)
    typer.echo(f"key    {made.key}")
    typer.echo(f"entry  {made.entry}")
