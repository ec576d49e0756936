"""The OpenAPI document, put to the test: generated requests get documented answers, never a 5xx."""

import warnings

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its dependencies' own deprecations
    import schemathesis
    from schemathesis.checks import CHECKS, load_all_checks

EXAMPLES = 12
WANTED = ("not_a_server_error", "status_code_conformance", "response_schema_conformance")


@pytest.mark.usefixtures("trained")
def test_generated_requests_get_documented_answers(app: APIFlask, admin: dict[str, str]) -> None:
    load_all_checks()
    checks = CHECKS.get_by_names(WANTED)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    tried = 0

    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: schemathesis.Case) -> None:
            response = case.call(headers=admin)
            case.validate_response(response, checks=checks)

        send()
        tried += 1

    assert tried >= 30
