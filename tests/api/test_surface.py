"""What every answer carries, what the document promises, what importing costs."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from apiflask import APIFlask

from api import create_app
from api.config import ApiConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "path", ["/health/live", "/nowhere", "/recommend", "/docs", "/openapi.json"]
)
def test_every_answer_carries_the_policy_and_an_id(client, path: str) -> None:
    headers = client.get(path).headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])


def test_a_sane_request_id_is_kept_and_a_strange_one_is_not(client) -> None:
    kept = client.get("/health/live", headers={"X-Request-Id": "abc-1"})
    strange = client.get("/health/live", headers={"X-Request-Id": "<script>"})

    assert kept.headers["X-Request-Id"] == "abc-1"
    assert "<" not in strange.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/nowhere", 404), ("DELETE", "/recommend", 405)],
)
def test_wrong_addresses_and_methods_are_problems(client, method: str, path: str, status) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["instance"] == path
    assert status != 405 or set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


def test_an_unexpected_error_tells_nothing_of_the_inside(app: APIFlask) -> None:
    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError("postgresql://user:secret@inside/db")

    answer = app.test_client().get("/boom")

    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"]


def test_the_document_is_openapi_3_1_and_names_every_public_route(client, app: APIFlask) -> None:
    document = client.get("/openapi.json").json

    assert document["openapi"] == "3.1.0"
    told = {
        (method, re.sub(r"{[^}]*}", "{}", path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    wanted = {
        (method.lower(), re.sub(r"<[^>]*>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint.split(".")[0] not in {"static", "openapi", "docs", "storefront", "console"}
    }
    assert told == wanted
    text = client.get("/openapi.json").text
    references = set(re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', text))
    assert references <= document["components"]["schemas"].keys()


def test_every_route_of_the_document_stands_under_a_heading_it_lists(client) -> None:
    document = client.get("/openapi.json").json

    headings = {tag["name"] for tag in document["tags"]}
    routes = [one for path in document["paths"].values() for one in path.values()]
    assert {tag for one in routes for tag in one["tags"]} == headings
    assert all(len(one["tags"]) == 1 for one in routes)


def test_the_docs_page_asks_for_nothing_outside(client) -> None:
    page = client.get("/docs").text

    assert "http://" not in page
    assert "https://" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "style=" not in page
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        answer = client.get(path)
        assert answer.status_code == 200, path
        answer.close()


def test_metrics_count_requests_and_name_the_model(client, shop, admin, trained) -> None:
    client.get("/recommend", headers=shop)

    page = client.get("/metrics", headers=admin)

    assert page.mimetype == "text/plain"
    assert (
        'vitrine_requests_total{endpoint="recommend.recommend",method="GET",status="200"} 1.0'
        in page.text
    )
    assert f'vitrine_model_info{{version="{trained.version}"}} 1.0' in page.text
    assert 'vitrine_degraded_total{missing="creatives"}' in page.text


def test_two_apps_do_not_share_a_counter(api_config: ApiConfig) -> None:
    first, second = create_app(api_config), create_app(api_config)
    first.test_client().get("/health/live")

    pages = [app.extensions["vitrine"].metrics.page("") for app in (first, second)]

    assert [b"health.live" in page for page in pages] == [True, False]
    for app in (first, second):
        app.extensions["vitrine"].close()


def test_the_storefront_can_be_left_out(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, storefront=False))
    status = app.test_client().get("/").status_code
    app.extensions["vitrine"].close()

    assert status == 404


def test_the_web_imports_no_torch_and_starts_no_thread(tmp_path: Path) -> None:
    script = (
        "import sys, threading\n"
        "from api import create_app\n"
        "app = create_app()\n"
        "print('torch' in sys.modules, 'xllamacpp' in sys.modules, threading.active_count())\n"
    )
    env = {
        "PYTHONPATH": str(ROOT),
        "VITRINE_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "OMP_NUM_THREADS": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.split() == ["False", "False", "1"], done.stderr


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/items/{item_id}", "put", {"200", "201"}),
        ("/campaigns", "post", {"200", "202"}),
        ("/health/ready", "get", {"200", "503"}),
        ("/creatives/{key}/banner", "get", {"200", "304"}),
    ],
)
def test_the_document_tells_every_usual_status(client, path, method, statuses) -> None:
    operation = client.get("/openapi.json").json["paths"][path][method]

    assert statuses <= operation["responses"].keys()
    assert all(answer["description"] for answer in operation["responses"].values())


def test_invented_methods_share_one_counter(client, admin) -> None:
    for number in range(3):
        assert client.open("/recommend", method=f"FETCH{number}").status_code == 405

    page = client.get("/metrics", headers=admin).text
    assert "FETCH" not in page
    assert re.search(r'vitrine_requests_total{.*method="other",status="405"} 3\.0', page)


def test_the_document_says_which_rule_cannot_be_asked_for_by_its_name(client) -> None:
    """`/admin/rules/history` is the history: a rule of that name would have no address."""
    operation = client.get("/openapi.json").json["paths"]["/admin/rules/{rule_id}"]["get"]

    [parameter] = operation["parameters"]

    assert parameter["schema"]["not"] == {"enum": ["history"]}
