"""A peer as its own documentation would have it served: `implicit` behind FastAPI and uvicorn.

It installs into an environment of its own under `--state`, with pinned versions. It gets the same
shop's linear factors as its model (so nothing is lost to a quick fit), answers `recommend` with the
shopper's items filtered away, and adds the same product fields from a dictionary. It reads no
history at request time, and knows no filter, no exclusions, no reasons and no creatives: what it
costs is the least that such a service costs. Where the packages cannot be had, the figure is None.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench import made_up_shop, retrieval, servers
from bench.loads import HEADLINE, ask, measure
from bench.serving import N_USERS, ROOT, SEED, SIZES
from recsys.models import histories

PINNED = (
    "fastapi==0.165.0",
    "uvicorn[standard]==0.54.0",
    "implicit==0.7.3",
    "numpy==2.4.6",
    "scipy==1.17.1",
)
_APP = """
import json, os
import numpy as np
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

folder = os.environ["PEER_STATE"]
kept = np.load(folder + "/peer.npz")
user_items = sparse.load_npz(folder + "/peer-histories.npz")
model = AlternatingLeastSquares(factors=kept["items"].shape[1], num_threads=1)
model.user_factors, model.item_factors = kept["users"], kept["items"]
app = FastAPI()

PRODUCTS = [
    {"title": f"Product number {n}", "price": f"{n % 98 + 2}.99", "was_price": None,
     "currency": "EUR", "image_url": f"/media/{n % 100}.jpg", "url": f"/p/{n}",
     "category": f"Shop/Department {n % 40}", "brand": f"Brand {n % 2000}", "in_stock": True}
    for n in range(len(kept["items"]))
]

@app.get("/health/live")
async def live():
    return {"status": "ok"}

@app.get("/recommend")
async def recommend(user_id: int, k: int = 20):
    ids, scores = model.recommend(user_id, user_items[user_id], N=k)
    return JSONResponse({"items": [
        {"item_id": f"i{n}", "rank": place + 1, "score": float(score), "product": PRODUCTS[n]}
        for place, (n, score) in enumerate(zip(ids.tolist(), scores))
    ]})
"""


def bench(
    root: Path, sizes: list[str], seconds: float, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    rows[:] = [row for row in rows if row["shop"] != "peer"]
    found: dict[str, Any] = {"peer_cpu_ms_per_request": None}
    python = _installed(root)
    if python is None:
        return found
    for name in sizes:
        if name not in SIZES:
            continue
        row = _measured(root, name, python, seconds)
        rows.append({"shop": "peer", "variant": name, **row})
        found[f"peer_{name}_cpu_ms_per_request"] = row["server_cpu_ms_per_request"]
        found[f"peer_{name}_requests_per_s"] = row["requests_per_s"]
        found[f"peer_{name}_p90_ms"] = row["p90_ms"]
    found["peer_cpu_ms_per_request"] = found.get("peer_100k_cpu_ms_per_request")
    return found


def _installed(root: Path) -> Path | None:
    folder = root / "peer-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q", *PINNED]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"the peer cannot be installed here: {done.stderr[-500:]}")
        return None
    return python


def _measured(root: Path, name: str, python: Path, seconds: float) -> dict[str, Any]:
    state = root / name
    _prepare(state, SIZES[name], root / "vectors")
    port = servers.free_port()
    command = [str(python), "-m", "uvicorn", "peer_app:app", "--port", str(port)]
    command += ["--app-dir", str(state), "--no-access-log", "--log-level", "warning"]
    env = servers.environment(state, 1, PEER_STATE=str(state), PYTHONPATH="")
    file = state / "requests-peer.json"
    paths = [f"/recommend?user_id={number}&k=20" for number in range(N_USERS)]
    file.write_text(json.dumps([{"path": path} for path in paths]))
    with servers.child(command, env, state, core=servers.SERVER_CORE) as running:
        servers.wait_for(port)
        ask(port, file, seconds=2, connections=2)
        return measure(running.pid, port, file, seconds, connections=HEADLINE)


def _prepare(state: Path, n_items: int, vectors: Path) -> None:
    from scipy import sparse  # noqa: PLC0415 heavy

    (state / "peer_app.py").write_text(_APP)
    if (state / "peer.npz").exists():
        return
    past, _ = retrieval.shop(n_items)
    branch = retrieval.trained(n_items, past, vectors).linear
    if branch is None:
        raise SystemExit(f"{ROOT}: the shop's linear branch is missing")
    draw = np.random.default_rng(SEED)
    made = made_up_shop.deeds(n_items, N_USERS, made_up_shop.DEEDS, draw)
    owned = retrieval.matrix(made, n_items)
    users = branch.users(histories.from_matrix(owned))
    np.savez(state / "peer.npz", users=users, items=branch.items)
    sparse.save_npz(state / "peer-histories.npz", sparse.csr_matrix(owned), compressed=False)
