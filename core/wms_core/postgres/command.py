"""`wms-orders migrate`."""

import asyncio

import typer

from wms_core.logs import in_words
from wms_core.postgres.errors import DRIVER
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.migrate import migrate as apply_migrations
from wms_core.settings import CoreSettings, read_settings


def migrate() -> None:
    """Bring the schema of DATABASE_URL up to date; safe to run at any time, also by several at once."""
    settings = read_settings(CoreSettings)
    try:
        applied = asyncio.run(apply_migrations(settings.database_url.get_secret_value()))
    except MigrationError as error:
        raise SystemExit(f"The schema can't be brought up to date: {error}") from None
    except DRIVER as error:
        reason = in_words(error)
        raise SystemExit(f"The database of DATABASE_URL can't be used ({reason}).") from None
    for migration in applied:
        typer.echo(f"applied {migration.name}")
    typer.echo("The schema is up to date.")
