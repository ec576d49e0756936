"""Errors over HTTP: RFC 9457 problem+json that names the field and tells nothing of the inside."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from apiflask import APIFlask, HTTPError
from flask import Response, request
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from generative.errors import (
    BrandConflict,
    CampaignClosed,
    CorruptVoice,
    UnknownBrandVersion,
    UnknownCampaign,
    UnknownCreative,
    UnknownVoice,
)
from recsys.database import lags
from recsys.errors import (
    CorruptArtifact,
    ExperimentConflict,
    InvalidEvent,
    InvalidExperiment,
    InvalidItem,
    InvalidSteering,
    RunInProgress,
    SteeringConflict,
    UnknownExperiment,
    UnknownItem,
    UnknownRun,
    UnknownSteering,
    UnknownVersion,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "2"
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
SCHEMA_LAGS = (
    "the database is of an earlier release: run `flask --app api db upgrade`; nothing was changed"
)

_STATUS_OF: dict[type[Exception], int] = {
    UnknownItem: 404,
    UnknownRun: 404,
    UnknownVersion: 404,
    UnknownSteering: 404,
    UnknownExperiment: 404,
    UnknownCampaign: 404,
    UnknownCreative: 404,
    UnknownBrandVersion: 404,
    UnknownVoice: 404,
    CorruptVoice: 409,
    RunInProgress: 409,
    SteeringConflict: 409,
    ExperimentConflict: 409,
    CampaignClosed: 409,
    BrandConflict: 409,
    CorruptArtifact: 409,
}
_DETAIL_OF = {
    404: "nothing is served at this address",
    405: "this address does not take that method; Allow names those it takes",
    413: "the body is larger than this server takes",
    415: "the body's media type is not one that this address reads",
    500: "something went wrong on our side; the log holds it under this request's id",
}


class Problem(Exception):
    """Raise to end a request; `errors` are (field, message) pairs."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}


def invalid(field: str, message: str) -> Problem:
    """The 422 that names one field."""
    return Problem(422, f"{field}: {message}", errors=[(field, message)])


def response(problem: Problem) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
    }
    if problem.errors:
        body["errors"] = [{"field": field, "message": message} for field, message in problem.errors]
    answer = Response(orjson.dumps(body), problem.status, mimetype=MEDIA_TYPE)
    answer.headers.update(problem.headers)
    return answer


def install(app: APIFlask) -> None:
    """Answer every error of this app as a problem."""
    app.register_error_handler(Problem, response)
    app.register_error_handler(InvalidItem, _field)
    app.register_error_handler(InvalidEvent, _field)
    app.register_error_handler(InvalidSteering, _field)
    app.register_error_handler(InvalidExperiment, _field)
    for kind in _STATUS_OF:
        app.register_error_handler(kind, _known)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(ProgrammingError, _no_such_column)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(HTTPError, _api_error)
    app.register_error_handler(Exception, _unexpected)


def _field(
    error: InvalidItem | InvalidEvent | InvalidSteering | InvalidExperiment,
) -> Response:
    return response(invalid(error.field, error.message))


def _known(error: Exception) -> Response:
    status = next(code for kind, code in _STATUS_OF.items() if isinstance(error, kind))
    return response(Problem(status, str(error)))


def _database_away(error: Exception) -> Response:
    if lags(error):
        return _no_such_column(error)
    log.warning("the database did not answer: %s", type(error).__name__)
    detail = "the database is away or locked and nothing was changed by this request; try again"
    return response(Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}))


def _no_such_column(error: Exception) -> Response:
    """PostgreSQL and SQLite tell of it as different kinds of error; both have others of that kind."""
    if not lags(error):
        return _unexpected(error)
    log.error(SCHEMA_LAGS)
    return response(Problem(503, SCHEMA_LAGS))


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # noqa: PLR2004 redirects stay themselves
        answer = error.get_response()
        return Response(answer.get_data(), answer.status_code, headers=answer.headers)
    code = error.code or 500
    detail = _DETAIL_OF.get(code) or error.description or HTTPStatus(code).phrase
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in {"allow", "retry-after", "www-authenticate", "content-range"}
    }
    return response(Problem(code, detail, headers=headers))


def _api_error(error: HTTPError) -> Response:
    return response(Problem(error.status_code, str(error.message)))


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return response(Problem(500, _DETAIL_OF[500]))
