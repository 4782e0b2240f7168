# The collector and the command line. In a checkout: docker build -t modelwatch .
# Other extras than these: --build-arg EXTRAS=collector,demo

FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=collector,alerts
ENV PIP_PYTHON=/opt/modelwatch/bin/python
RUN python -m venv --without-pip /opt/modelwatch
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY integrations integrations
COPY modelwatch modelwatch
COPY examples/flight_delays examples/flight_delays
# Which releases are taken, pyproject.toml says.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ".[${EXTRAS}]"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/modelwatch /opt/modelwatch
RUN useradd --uid 10001 --user-group --home-dir /tmp --shell /usr/sbin/nologin modelwatch \
    && install --directory --owner=10001 --group=10001 /data
# What is not under /data or /tmp may be read-only.
ENV PATH=/opt/modelwatch/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 4317 4318 4319
# Served over TLS, /readyz is asked for by https.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4319/readyz')"]
ENTRYPOINT ["modelwatch"]
CMD ["collector", "--host", "0.0.0.0", "--store", "/data/modelwatch.sqlite"]
