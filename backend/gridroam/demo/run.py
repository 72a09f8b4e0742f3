"""The demo from the first message to the figures and the picture."""

from gridroam.demo import history, picture, results
from gridroam.demo.play import Progress, play
from gridroam.demo.scenario import CLOCK
from gridroam.demo.stage import Stage
from gridroam.demo.summary import Summary


def week(stage: Stage, progress: Progress) -> tuple[Summary, str]:
    """Plays it, reads what the chain has of it and has that audited. Gives the figures, and the
    picture as an HTML page."""
    log = play(stage, progress)
    progress("reading and auditing", 0, 0)
    happened = history.read(stage.ledger, stage.deployment.block)
    bands = results.bands(stage, happened)
    plan = stage.scenario
    page = picture.page(bands, plan.start, plan.days, CLOCK)
    return results.gather(stage, happened, log), page
