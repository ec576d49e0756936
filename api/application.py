"""Our APIFlask: what every request costs before any of our code sees it."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from apiflask import APIFlask
from flask import Request
from werkzeug.routing import Map, MapAdapter
from werkzeug.wsgi import get_host

Way = Callable[[Any, Any], Iterable[bytes] | None]
FAILED = "vitrine.failed"  # in an environ: what a quick way met, a `Failed`


class Failed(NamedTuple):
    """An error for Flask to tell, and when its request began."""

    error: Exception
    began: float


class Application(APIFlask):
    """Answers under any host name: a request is routed by its method and path alone.

    `quick` holds ways around Flask, by method and path: WSGI applications that answer as the view
    of the same address does, or hand the request on by answering None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quick: dict[tuple[str, str], Way] = {}

    def wsgi_app(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """As Flask's, which also tells the errors of a quick way."""
        way = self.quick.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if way is not None:
            began = time.perf_counter()
            try:
                answered = way(environ, start_response)
            except Exception as error:  # noqa: BLE001 Flask knows them all
                environ[FAILED] = Failed(error, began)
            else:
                if answered is not None:
                    return answered
        return super().wsgi_app(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, which reads the host of every request twice and encodes it for the DNS.

        Raises:
            BadHost, SecurityError: The client names no host; Flask answers 400.
        """
        if request is None:
            return super().create_url_adapter(None)
        sent = request.environ
        return MapAdapter(
            self.url_map,
            server_name(sent),
            request.root_path,
            "",
            sent["wsgi.url_scheme"],
            request.path,
            request.method,
            request.query_string.decode(errors="replace"),
        )


def server_name(environ: Any) -> str:
    """The host that a client names.

    Raises:
        BadHost, SecurityError: It names none.
    """
    return _server(
        environ["wsgi.url_scheme"],
        environ.get("HTTP_HOST"),
        environ["SERVER_NAME"],
        environ["SERVER_PORT"],
    )


@lru_cache(maxsize=64)  # a server has few names, and whoever invents some gains nothing
def _server(scheme: str, host: str | None, name: str, port: str) -> str:
    sent = {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "SERVER_NAME": name, "SERVER_PORT": port}
    return Map().bind(get_host(sent).lower()).server_name
