"""From bytes to validated values: the web's one edge.

A view says `@takes(bp, Model, "query")` and gets a model; the same line documents it. Whatever
does not fit ends as a problem that names the field.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar
from urllib.parse import unquote_to_bytes

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage, Headers
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import Problem

P = ParamSpec("P")
Model = TypeVar("Model", bound=BaseModel)
View = Callable[..., Response]

_NOT_JSON_NUMBER = re.compile(rb"NaN|Infinity")
_MAX_ERRORS = 20
_OFTEN, _SHORT = "filter", 512  # what is remembered as it was read, up to so many characters
_FORM_BYTES = 10_000  # of a form's own, around a file
JSON = "application/json"


def takes(blueprint: APIBlueprint, model: type[Model], location: str) -> Callable[[View], View]:
    """Pass a view the validated `query` or `body`, and document it under that view's route."""

    def decorate(view: View) -> View:
        documented = "json" if location == "body" else location
        noted = blueprint.input(model, location=documented)(view)

        @wraps(view)
        def parsed(*args: Any, **kwargs: Any) -> Response:
            read = query if location == "query" else body
            return view(*args, **{location: read(model)}, **kwargs)

        # What the document is made from; APIFlask notes it on a wrapper of its own, not on the view.
        parsed._spec = noted._spec  # type: ignore[attr-defined] # noqa: SLF001 APIFlask has no other way
        return parsed

    return decorate


def query(model: type[Model], environ: Mapping[str, Any] | None = None) -> Model:
    """The query string as a model; a repeated name becomes a list."""
    sent = request.environ if environ is None else environ
    return _validated(model, _asked(sent.get("QUERY_STRING", "")))


def _asked(text: str) -> dict[str, str | list[str]]:
    """As `request.args`, without the containers that werkzeug makes of it on the way."""
    if not text.isascii():  # WSGI hands bytes over as Latin-1
        text = text.encode("latin1").decode(errors="replace")
    found: dict[str, str | list[str]] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        name = _unquoted(name)
        value = _often(value) if name == _OFTEN and len(value) <= _SHORT else _unquoted(value)
        held = found.get(name)
        if held is None:
            found[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            found[name] = [held, value]
    return found


def _unquoted(text: str) -> str:
    if "%" in text or "+" in text:
        # What is no UTF-8 stays as it came.
        return unquote_to_bytes(text.replace("+", " ")).decode(errors="werkzeug.url_quote")
    return text


# A shop's pages send the same few filters, and to read one takes longer than to validate a request.
# Of nothing else: what names a shopper must not be left in a memory.
_often = lru_cache(maxsize=1_024)(_unquoted)


def body(model: type[Model]) -> Model:
    return _validated(model, json_body())


def json_body() -> Any:
    """The request's JSON; NaN and Infinity, which some clients write, are left for the validators.

    Raises:
        Problem: 400 where it is no JSON, 413 where it is too long, 415 where it says it is no JSON.
    """
    if request.mimetype and request.mimetype not in {"application/json", "text/json"}:
        raise Problem(415, f"send application/json, not {request.mimetype}")
    limit = request.max_content_length or sys.maxsize
    too_large = Problem(413, f"the body is larger than {limit:,} bytes")
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    if request.content_length is None and len(data) >= limit:
        raise too_large  # a chunked body is cut at the limit, not refused
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if _NOT_JSON_NUMBER.search(data):
            return _lenient(data)
        raise Problem(400, f"the body is no valid JSON: {error}") from None


def _lenient(data: bytes) -> Any:
    try:
        loaded = json.loads(data, parse_constant=float)
        orjson.dumps(loaded)  # refuses lone surrogates and numbers that no column could hold
    except (ValueError, TypeError, RecursionError) as error:
        raise Problem(400, f"the body is no valid JSON: {error}") from None
    return loaded


def _validated(model: type[Model], values: Any) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = [(_path(entry["loc"]), entry["msg"]) for entry in error.errors()[:_MAX_ERRORS]]
        first = ": ".join(found[0])
        raise Problem(422, first, errors=found) from None


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


class Json(Response):
    """A whole JSON answer: a list of bytes for the server, nothing to iterate or to close.

    Granian sends a list as it is, and hands anything else over a piece at a time. `common` are the
    headers that every answer carries.
    """

    common: Iterable[tuple[str, str]] = ()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        plain = environ["REQUEST_METHOD"] != "HEAD" and self.status_code not in _BODILESS
        if plain and not self._on_close and isinstance(self.response, list):
            start_response(self.status, [*self.headers.to_wsgi_list(), *self.common])
            return self.response  # bytes, as `answer` has set them
        self.headers.extend(list(self.common))
        return super().__call__(environ, start_response)


_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def sent_file() -> FileStorage | None:
    """The file `file` of a form, where a form was sent."""
    return request.files.get("file") if request.mimetype == "multipart/form-data" else None


def upload(*, most: int) -> bytes:
    """The file `file` of a form, else the body: at most so many bytes."""
    request.max_content_length = most + _FORM_BYTES
    file = sent_file()
    return request.get_data() if file is None else file.stream.read()


def written(payload: Any) -> bytes:
    """A JSON body."""
    return orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)


def answer(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response; Decimals and the like are already strings by now."""
    body = written(payload)
    described = Headers([("Content-Type", JSON), ("Content-Length", str(len(body)))])
    if headers:
        described.extend(headers)
    return Json([body], status, described)
