# One image for all processes: `wms-orders` with its subcommands. The Python version is that of the tests.
#
#   docker build -t wms-orders:0.1.0 .
#
# tests/integration/deployment/test_image.py replays these steps without a container engine.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/tools
COPY requirements-build.lock requirements-image.lock requirements-source.lock ./
RUN /opt/tools/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-build.lock
# The final image has no pip.
RUN python -m venv --without-pip /opt/wms-orders
RUN /opt/tools/bin/pip --python /opt/wms-orders/bin/python install --no-cache-dir --require-hashes --only-binary :all: -r requirements-image.lock
# Packages that are published only as source.
RUN /opt/tools/bin/pip wheel --no-cache-dir --require-hashes --no-deps --no-build-isolation --wheel-dir dist -r requirements-source.lock
COPY pyproject.toml README.md ./
COPY core core
COPY server server
COPY worker worker
COPY dev dev
COPY clients/cli clients/cli
COPY clients/python clients/python
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist ./clients/python .
RUN /opt/tools/bin/pip --python /opt/wms-orders/bin/python install --no-index --no-deps dist/*.whl
RUN /opt/tools/bin/pip --python /opt/wms-orders/bin/python check

FROM python:3.11-slim-bookworm
COPY --from=build /opt/wms-orders /opt/wms-orders
# Only /tmp is writable. Postgres's driver looks for certificates below HOME, so HOME must be readable.
ENV PATH=/opt/wms-orders/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONDONTWRITEBYTECODE=1
# A numeric id, from which Kubernetes can verify that the user is not root.
USER 10001:10001
EXPOSE 8001 8002 8080 8082
ENTRYPOINT ["wms-orders"]
CMD ["server"]
