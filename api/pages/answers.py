"""How a page answers: rendered, redirected, or as a problem in words."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, make_response, redirect, render_template, request, session, url_for
from sqlalchemy.exc import ProgrammingError
from werkzeug.exceptions import HTTPException

from api.errors import DATABASE_AWAY, RETRY_SECONDS, SCHEMA_LAGS, Problem
from generative.errors import (
    BrandConflict,
    CampaignClosed,
    UnknownBrandVersion,
    UnknownCampaign,
    UnknownCreative,
    UnknownVoice,
)
from recsys.database import lags
from recsys.errors import (
    CorruptArtifact,
    ExperimentConflict,
    InvalidItem,
    RecsysError,
    SteeringConflict,
)

NOTHING_TO_SIGN_WITH = (
    "VITRINE_SECRET_KEY is not set, so no cookie can be signed. Set it and start the server again."
)
log = logging.getLogger(__name__)

_FROM_DOMAIN = (
    RecsysError,
    UnknownCampaign,
    UnknownCreative,
    UnknownBrandVersion,
    UnknownVoice,
    BrandConflict,
    CampaignClosed,
)
_REFUSED = (
    BrandConflict,
    CampaignClosed,
    CorruptArtifact,
    ExperimentConflict,
    InvalidItem,
    SteeringConflict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A line above a page; `tone` is good, warn or bad."""

    text: str
    tone: str = "good"


def tell(text: str, tone: str = "good") -> None:
    """Leave a line for the next console page of this session."""
    session["message"] = [text[:400], tone]


def told() -> Message | None:
    """Take the line that was left."""
    left = session.pop("message", None)
    return None if left is None else Message(text=left[0], tone=left[1])


def see_other(endpoint: str, **values: Any) -> Response:
    """After a form: the browser goes on with a GET, so that a reload repeats nothing."""
    target = url_for(endpoint, **values)
    if request.headers.get("HX-Request"):
        return Response("", 204, headers={"HX-Redirect": target})
    return make_response(redirect(target, 303))


def problem_page(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    page = render_template("shop/problem.html", title=HTTPStatus(status).phrase, text=text)
    answer = make_response(page, status)
    answer.headers.update(headers or {})
    return answer


def nowhere(_nowhere: str) -> Response:
    """An address among the pages that is none: who came by a browser is told in words."""
    return problem_page(404, "There is no page at this address.")


def of_problem(problem: Problem) -> Response:
    return problem_page(problem.status, problem.detail, problem.headers)


def of_domain(error: Exception) -> Response:
    status = 409 if isinstance(error, _REFUSED) else 404
    return problem_page(status, str(error))


def of_away(error: Exception) -> Response:
    if lags(error):
        return of_lag(error)
    text = "The database is away or locked. Nothing was changed; please try again in a moment."
    return problem_page(503, text, {"Retry-After": RETRY_SECONDS})


def of_lag(error: Exception) -> Response:
    return problem_page(503, SCHEMA_LAGS) if lags(error) else of_unexpected(error)


def of_http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # noqa: PLR2004 redirects stay themselves
        return make_response(error.get_response())
    return problem_page(error.code or 500, error.description or "This page cannot be shown.")


def of_unexpected(error: Exception) -> Response:
    log.error("unexpected error on a page", exc_info=error)
    return problem_page(500, "Something went wrong on our side. The log holds it.")


def install(blueprint: Any) -> None:
    """Answer every error of a blueprint of pages with a page."""
    blueprint.register_error_handler(Problem, of_problem)
    for kind in _FROM_DOMAIN:
        blueprint.register_error_handler(kind, of_domain)
    for away in DATABASE_AWAY:
        blueprint.register_error_handler(away, of_away)
    blueprint.register_error_handler(ProgrammingError, of_lag)
    blueprint.register_error_handler(HTTPException, of_http)
    blueprint.register_error_handler(Exception, of_unexpected)
