"""`gridroam demo`: a real week of charging on a local chain, and what became of it."""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gridroam.errors import InvalidInputError

if TYPE_CHECKING:
    from gridroam.demo.play import Progress
    from gridroam.demo.stage import Stage

app = typer.Typer(add_completion=False)

_FAILED, _INTERRUPTED = 1, 130


@app.command()
def demo(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave chain, relay and console running until Ctrl-C.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the picture and the figures.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=7, help="Of the week.")] = 7,
) -> None:
    """Play a real week of charging through a relay onto a local chain, and check what came of it.

    Exit code 0: energy, money and audit agree. 1: something does not, or could not be done.
    """
    if out is not None:
        _make(out)
    try:
        with _ended_by_signals():
            all_good = _play(out, days, as_json=as_json, keep=keep)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    raise typer.Exit(0 if all_good else _FAILED)


def _play(out: Path | None, days: int, *, as_json: bool, keep: bool) -> bool:
    from gridroam.demo import records, scenario
    from gridroam.demo.run import week
    from gridroam.demo.stage import Stage
    from gridroam.demo.tables import show

    began = time.monotonic()
    plan = scenario.build(int(time.time()), days)
    with tempfile.TemporaryDirectory(prefix="gridroam-") as work, ExitStack() as running:
        with _progress() as progress:
            stage = running.enter_context(Stage(plan, Path(work)))
            summary, picture = week(stage, progress)
        seconds = time.monotonic() - began
        folder = out or Path(tempfile.mkdtemp(prefix="gridroam-demo-"))
        page = folder / "week.html"
        page.write_text(picture, encoding="utf-8")
        records.keep(stage, folder / "records")
        figures = json.dumps(summary.as_dict() | {"seconds": int(seconds), "picture": str(page)})
        (folder / "week.json").write_text(figures + "\n", encoding="utf-8")
        if as_json:
            typer.echo(figures)
        else:
            show(plan, summary, seconds, page)
        if keep:
            _wait(stage, folder)
    return summary.ok


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{folder}: {error.strerror}.", "Choose another folder.") from error


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A polite request to end is as good as Ctrl-C: everything that was started is stopped."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar on stderr, if somebody looks."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting chain and relay", total=None)
        yield lambda what, done, of: bar.update(
            task, description=what, completed=done, total=of or None
        )


def _wait(stage: "Stage", folder: Path) -> None:
    """With a console, until somebody stops it."""
    from gridroam.demo.console_process import ConsoleProcess

    with ConsoleProcess(stage, port=0) as console:
        _say_where(stage, folder, console.url)
        while True:
            time.sleep(1)


def _say_where(stage: "Stage", folder: Path, console: str) -> None:
    record = next(iter(sorted((folder / "records").iterdir())))
    lines = (
        f"Node    {stage.anvil.url}",
        f"Ledger  {stage.ledger.address}",
        f"Relay   {stage.relay.url}",
        f"  gridroam audit --rpc {stage.anvil.url} --ledger {stage.ledger.address}",
        f"  curl {stage.relay.url}/v1/status",
        f"  gridroam evidence check {record}",
        f"Console {console}",
        "  choose a company there; this devnet asks for no signature",
        "Ctrl-C ends it.",
    )
    typer.echo("\n".join(lines), err=True)
