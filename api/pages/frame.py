"""The frame around every console page: its tabs, its message, its token."""

from typing import Any

from flask import Response, make_response, render_template

from api.pages.answers import told
from api.runtime import runtime

TABS = (
    ("Overview", "overview"),
    ("Catalogue", "catalogue"),
    ("Models", "models"),
    ("Campaigns", "campaigns"),
    ("Creatives", "creatives"),
    ("Merchandising", "merchandising"),
    ("Experiments", "experiments"),
    ("Why", "why"),
    ("Answers", "answers"),
    ("Privacy", "privacy"),
)


def page(template: str, *, heading: str, tab: str, **values: Any) -> Response:
    """A rendered console page; `values` are the template's own."""
    return make_response(
        render_template(
            template,
            heading=heading,
            tab=tab,
            tabs=TABS,
            message=told(),
            storefront_on=runtime().config.storefront,
            **values,
        )
    )
