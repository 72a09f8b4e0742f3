"""`gridroam settings`: every setting there is. docs/settings.md is what it prints."""

import typer

app = typer.Typer(add_completion=False)


@app.command()
def settings() -> None:
    """Print what can be set, as Markdown."""
    from gridroam.settings_page import page

    typer.echo(page(), nl=False)
