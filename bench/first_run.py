"""From the end of pip to the first personal answer and the first generated banner, on an empty state.

python bench/first_run.py            one start of the sample shop, as `make demo` does it
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from record import write

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "var" / "first-run"
GOALS = {"seconds_to_first_answer": 60.0, "seconds_to_first_banner": 120.0}


def main() -> int:
    shutil.rmtree(STATE, ignore_errors=True)
    report = STATE.parent / "first-run.json"
    STATE.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "demo/run.py", "--once", "--state", str(STATE)]
    done = subprocess.run([*command, "--report", str(report)], cwd=ROOT, check=False)
    if done.returncode:
        return done.returncode
    found = json.loads(report.read_text())
    seconds, peak = found["seconds"], found["peak_mb"]
    figures = {
        "seconds_to_first_answer": seconds["first_answer"],
        "seconds_to_first_banner": seconds["first_banner"],
        "api_peak_mb": peak["api"],
        "worker_peak_mb": peak["worker"],
        "worker_train_peak_mb": peak["worker-train"],
        "valkey_peak_mb": peak["valkey"],
        "beat_peak_mb": peak["beat"],
    }
    rows = [{"milestone": name, "seconds": value} for name, value in seconds.items()]
    rows += [{"process": name, "peak_mb": value} for name, value in peak.items()]
    write("first_run", figures=figures, rows=rows, packages=("torch", "faiss-cpu", "celery"))
    for name, goal in GOALS.items():
        print(f"{name}: {figures[name]:.1f} s, goal {goal:.0f} s")
    shutil.rmtree(STATE, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
