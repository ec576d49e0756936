"""The bell: what may be rung, and nothing more. The web imports this file for `.delay` alone.

Tasks carry ids and small values. Each may be run twice, or late, or not at all: the rows are the record.
"""

from datetime import UTC, datetime, timedelta

from workers.app import LATER, app, config, runtime


@app.task(name="vitrine.retrain")
def retrain(run_id: str) -> None:
    from workers.retrain import run  # noqa: PLC0415 leaf

    run(runtime, run_id)


@app.task(name="vitrine.scheduled_retrain")
def scheduled_retrain() -> None:
    from workers.retrain import start  # noqa: PLC0415 leaf

    run_id = start(runtime, trigger="schedule")
    if run_id is not None:
        retrain.delay(run_id)


@app.task(name="vitrine.learn_voice")
def learn_voice(run_id: str) -> None:
    from workers.voice import run  # noqa: PLC0415 leaf

    run(runtime, run_id)


# A claim lapses, and whoever asks then rings again: the older ring is dropped, not done as well.
@app.task(name="vitrine.make_creative", expires=config.generative.claim_seconds)
def make_creative(
    item_id: str,
    categories: list[str],
    price_band: str,
    size: str,
    locale: str,
    variant: str = "",
    reason: str = "",
    key: str = "",
) -> None:
    from workers.creative import make  # noqa: PLC0415 leaf

    audience = (categories, price_band)
    make(runtime, item_id, *audience, size, locale, variant=variant, reason=reason, key=key)


@app.task(name="vitrine.make_form", expires=config.generative.claim_seconds)
def make_form(key: str, form: str) -> None:
    from workers.creative import make_form as make  # noqa: PLC0415 leaf

    make(runtime, key, form)


@app.task(name="vitrine.make_collage", expires=config.generative.claim_seconds)
def make_collage(item_ids: list[str], size: str, locale: str) -> None:
    from workers.collage import make  # noqa: PLC0415 leaf

    make(runtime, item_ids, size, locale)


@app.task(name="vitrine.run_campaign")
def run_campaign(campaign_id: str, lease: str | None = None) -> None:
    """One chunk, then a ring for the next; `lease` is how a chunk proves that it follows the last."""
    from workers.campaign import run  # noqa: PLC0415 leaf

    held = run(runtime, campaign_id, lease)
    if held is not None:
        run_campaign.delay(campaign_id, held)


@app.task(name="vitrine.embed_items")
def embed_items(item_ids: list[str] | None = None, until: str | None = None) -> None:
    """Read the words of these items; without ids, of a chunk of those that wait, then ring again.

    The chain ends at `until`, when the next sweep begins another: there is never a crowd of them.
    """
    from workers.embed import run  # noqa: PLC0415 leaf

    end = datetime.fromisoformat(until) if until else _next_sweep()
    if run(runtime, item_ids) and datetime.now(UTC) < end:
        embed_items.apply_async(args=(None, end.isoformat()), priority=LATER)


@app.task(name="vitrine.record_answers")
def record_answers() -> None:
    from workers.answers import record  # noqa: PLC0415 leaf

    record(runtime)


@app.task(name="vitrine.count_variants")
def count_variants() -> None:
    from workers.variants import run  # noqa: PLC0415 leaf

    run(runtime)


@app.task(name="vitrine.sweep")
def sweep() -> None:
    from workers.sweep import run  # noqa: PLC0415 leaf

    rings = run(runtime)
    for run_id in rings.run_ids:
        retrain.delay(run_id)
    for run_id in rings.voice_run_ids:
        learn_voice.delay(run_id)
    for campaign_id in rings.campaign_ids:
        run_campaign.delay(campaign_id)
    if rings.items_wait:
        embed_items.apply_async(args=(None, _next_sweep().isoformat()), priority=LATER)


def _next_sweep() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=config.sweep_seconds)
