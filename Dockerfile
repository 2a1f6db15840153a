# Everything in one container by default (embedded PostgreSQL and Redis, data on /data), or one process of it with servers
# of your own: see docs/operations.md.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt requirements-s3.txt /tmp/
RUN /opt/venv/bin/pip install --only-binary=:all: -r /tmp/requirements-s3.txt \
    && /opt/venv/bin/pip uninstall --yes pip

FROM python:${PYTHON}-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin reviewapp \
    && install -d -o reviewapp -g reviewapp -m 0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    REVIEWAPP_VAR=/data REVIEWAPP_BIND=0.0.0.0 PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["python", "-m", "reviewapp.healthcheck"]
CMD ["python", "-m", "reviewapp.up"]
