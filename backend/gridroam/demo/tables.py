"""The demo's figures for people: tables on the terminal."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gridroam.demo.scenario import CLOCK, DAY, Scenario
from gridroam.demo.summary import Money, Summary


def show(plan: Scenario, summary: Summary, seconds: float, picture: Path) -> None:
    """Prints them to stdout."""
    parts = (
        Text(_headline(plan, summary, seconds)),
        _sessions(summary),
        _incidents(summary),
        _energy(summary),
        *([_switches(summary)] if summary.switches else []),
        _postings(summary),
        _money(summary.money),
        _checks(summary),
        Text(f"Picture of the week: {picture}"),
    )
    Console().print(Group(*(Group(Text(), part) for part in parts)), soft_wrap=True)


def _headline(plan: Scenario, summary: Summary, seconds: float) -> str:
    first, last = (
        datetime.fromtimestamp(time, UTC) + timedelta(seconds=CLOCK)
        for time in (plan.start, plan.end - DAY)
    )
    cars = len({visit.car for visit in plan.visits})
    return (
        f"{first:%-d %B} to {last:%-d %B %Y}: {len(plan.market.stations)} stations, {cars} cars, "
        f"{summary.messages:,} messages in {summary.batches:,} batches, played in {seconds:.0f} s"
    )


def _sessions(summary: Summary) -> Table:
    table = _table("Sessions", "")
    table.add_row("offered", f"{summary.offered:,}")
    table.add_row("cleared", f"{summary.cleared:,}")
    for reason, count in sorted(summary.rejected.items()):
        table.add_row(f"rejected: {reason}", f"{count:,}")
    table.add_row("expired, by anybody", f"{summary.expired:,}")
    table.add_row("reports settled", f"{summary.settled:,}")
    for reason, count in sorted(summary.rejected_reports.items()):
        table.add_row(f"reports rejected: {reason}", f"{count:,}")
    table.add_row("with a meter's record", f"{summary.evidence.named:,}")
    table.add_row("gas for each session", f"{summary.gas // max(1, summary.cleared):,}")
    return table


def _incidents(summary: Summary) -> Table:
    table = _table("What went wrong", "and what came of it", right=0)
    for incident in summary.incidents:
        table.add_row(incident.what, incident.outcome)
    return table


def _energy(summary: Summary) -> Table:
    table = _table("Energy", "in the grid of", "taken, Wh", "fed back, Wh", right=2)
    for (supplier, grid), (taken, fed) in summary.energy.items():
        table.add_row(summary.names[supplier], summary.names[grid], f"{taken:,}", f"{fed:,}")
    table.add_row("all", "", f"{summary.import_wh:,}", f"{summary.export_wh:,}")
    table.add_row("the file's, of what was cleared", "", f"{summary.file_wh:,}", "")
    return table


def _switches(summary: Summary) -> Table:
    table = _table(
        "Changed supplier while charging", "from", "to", "Wh before", "Wh after", right=2
    )
    for s in summary.switches:
        table.add_row(s.station, s.from_, s.to, f"{s.before_wh:,}", f"{s.after_wh:,}")
    return table


def _postings(summary: Summary) -> Table:
    table = _table("From", "to", "posted, EUR", right=1)
    for (payer, payee), pair in summary.money.pairs.items():
        table.add_row(summary.names[payer], summary.names[payee], _euro(pair.amount))
    return table


def _money(money: Money) -> Table:
    table = _table("Money", "EUR")
    table.add_row("all accounts", _euro(money.total))
    table.add_row("paid in, less withdrawn", _euro(money.paid_in))
    table.add_row("the vault's tokens", _euro(money.holdings))
    return table


def _checks(summary: Summary) -> RenderableType:
    lines = [
        Text(f"{'yes' if holds else 'NO ':<5}{what}", style="" if holds else "bold red")
        for what, holds in summary.checks.items()
    ]
    differences = (Text(str(d), style="red") for d in summary.audit.differences)
    return Group(*lines, *differences)


def _euro(nano: int) -> str:
    """Down to micro-euro, below which nothing of the demo's tariffs goes."""
    micro = nano // 1000
    return f"{micro // 10**6:,}.{micro % 10**6:06}"


def _table(*headings: str, right: int = 1) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index >= len(headings) - right else "left")
    return table
