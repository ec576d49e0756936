"""The web: JSON endpoints, pages and a command line over the two domains.

`granian --interface wsgi --factory api:serve` serves it. Importing this opens nothing.
"""

import gc
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from api.config import ApiConfig

if TYPE_CHECKING:
    from apiflask import APIFlask


def create_app(config: ApiConfig | None = None) -> "APIFlask":
    """Wire one application; without a config its settings come from the environment."""
    from api import (  # noqa: PLC0415 heavy
        application,
        cli,
        errors,
        quick,
        routes,
        runtime,
        security,
        specification,
    )

    settings = ApiConfig.from_env(os.environ) if config is None else config  # noqa: TID251 the composition root
    app = application.Application("api", title="Vitrine", version=_version(), docs_path=None)
    app.url_map.merge_slashes = False  # an item's id may hold two slashes in a row
    app.url_map.converters["any_id"] = routes.AnyId
    app.extensions["vitrine"] = held = runtime.build(settings)
    specification.describe(app)
    errors.install(app)
    security.install(app, held)
    routes.register(app, settings)
    quick.install(app, held)
    cli.install(app)
    return app


def serve() -> "APIFlask":
    """`create_app` for a process that serves one app all its life.

    What it was built from stays (code, routes, every item of the shelf), so the collector need not
    walk it: at 4,000 items a walk over everything stops all requests for a tenth of a second.
    The live model is loaded before it listens, so that no shopper waits for gigabytes; a broken one
    leaves a process that answers without, and says so.
    """
    app = create_app()
    app.extensions["vitrine"].handle.get()
    gc.collect()
    gc.freeze()
    return app


def _version() -> str:
    try:
        return version("vitrine")
    except PackageNotFoundError:  # run from a clone that was not installed
        return "0.1.0"
