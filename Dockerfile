# One image for the web, the workers, beat and the migrations; the command says which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONPATH=/srv \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1

WORKDIR /srv

# Letters for banners: python's slim images bring no font at all.
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-core fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*

# The index of CPU builds of torch, or empty for the default one (CUDA, several gigabytes).
ARG TORCH_INDEX=""
RUN pip install ${TORCH_INDEX:+--extra-index-url ${TORCH_INDEX}} "torch==2.13.0"
COPY requirements.lock requirements-llm.lock requirements-text.lock requirements-sign.lock requirements-pictures.lock requirements-finetune.lock ./
RUN pip install -r requirements.lock \
    && pip install --no-deps -r requirements-llm.lock -r requirements-text.lock \
        -r requirements-sign.lock -r requirements-pictures.lock -r requirements-finetune.lock

COPY pyproject.toml LICENSE NOTICE ./
COPY recsys recsys
COPY generative generative
COPY workers workers
COPY api api
COPY migrations migrations

# Compiled once here; on another processor than the builder's, once more at the first start.
ENV NUMBA_CACHE_DIR=/srv/kernels
RUN python -c "import recsys.serving.kernels" \
    && useradd --system --uid 10001 --home-dir /srv vitrine \
    && mkdir -p /srv/var/artifacts /srv/var/banners /srv/var/models /srv/var/pictures /srv/var/signing /srv/var/media /srv/var/spool /srv/var/answers \
    && chown -R vitrine /srv/var /srv/kernels
USER vitrine
VOLUME ["/srv/var", "/srv/kernels"]
EXPOSE 8080

# It listens once it has read the catalogue and the model: a million items take a minute and a half.
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]

CMD ["granian", "--interface", "wsgi", "--factory", "--host", "0.0.0.0", "--port", "8080", "--no-ws", "--workers", "1", "--blocking-threads", "4", "--respawn-failed-workers", "api:serve"]
