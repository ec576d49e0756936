"""The way around Flask for the one address that every page of a shop asks: `GET /recommend`.

Contexts, routing, the session, hooks and a response of werkzeug's cost more than all that is read of
a shopper. So a request that shows its key in a header is answered from its WSGI environ: the same
check, the same validation, the same answer and headers. Whatever else there may be is left to Flask:
a console's cookie, another method, other origins, and every error, which it tells as a problem.
"""

import time
from collections.abc import Iterable
from typing import Any

from api import application, auth, parsing, security
from api.application import Application, Way
from api.keys import Role
from api.recommending import recommend
from api.recommending.wishes import RecommendQuery
from api.runtime import Runtime

_ENDPOINT = f"{recommend.blueprint.name}.{recommend.recommend.__name__}"


def install(app: Application, runtime: Runtime) -> None:
    if not runtime.config.cors_origins:  # what another origin may read is Flask-CORS's to say
        app.quick["GET", "/recommend"] = _way(runtime)


def _way(runtime: Runtime) -> Way:
    common = list(security.common_headers(runtime.config).items())

    def answer(environ: Any, start_response: Any) -> Iterable[bytes] | None:
        key = auth.key_of(environ)
        if key is None:
            return None
        began = time.perf_counter()
        application.server_name(environ)
        auth.check_key(runtime.keyring, key, Role.STOREFRONT)
        query = parsing.query(RecommendQuery, environ)
        body = parsing.written(recommend.told(runtime, query))
        described = [("Content-Type", parsing.JSON), ("Content-Length", str(len(body)))]
        named = ("X-Request-Id", security.request_id(environ))
        start_response("200 OK", [*described, *common, named])
        runtime.metrics.request(_ENDPOINT, "GET", 200, time.perf_counter() - began)
        return [body]

    return answer
