"""Operator commands: `flask --app api db upgrade`, `flask --app api keys create|list|revoke`."""

from datetime import UTC, datetime

import click
from flask import Flask
from flask.cli import AppGroup

from api import keys, migrate
from api.keys import Role
from api.runtime import runtime
from recsys.database import reading, writing

_DATABASE = AppGroup("db", help="The database's schema.")
_KEYS = AppGroup("keys", help="API keys.")


def install(app: Flask) -> None:
    app.cli.add_command(_DATABASE)
    app.cli.add_command(_KEYS)


@_DATABASE.command("upgrade")
def upgrade() -> None:
    """Bring the database to this release's schema."""
    migrate.upgrade(runtime().config.recsys.database_url)
    click.echo("the database is up to date", err=True)


@_KEYS.command("create")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--label", default="", help="What the key is for.")
def create(role: str, label: str) -> None:
    """Make a key and print it, for the only time."""
    with writing(runtime().engine) as session:
        key = keys.create(session, Role(role), label=label, now=datetime.now(UTC))
    click.echo(key)


@_KEYS.command("list")
def every() -> None:
    """List the keys; secrets are not kept and cannot be shown."""
    with reading(runtime().engine) as session:
        for key in keys.every(session):
            state = "in force" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}"
            click.echo(f"{key.key_id}  {key.role:<10}  {state:<18}  {key.label}")


@_KEYS.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Refuse a key from now on; running servers follow within seconds."""
    with writing(runtime().engine) as session:
        revoked = keys.revoke(session, key_id, now=datetime.now(UTC))
    if not revoked:
        raise click.ClickException(f"no key {key_id!r} is in force; `keys list` shows them")
    click.echo(f"{key_id} is revoked")
