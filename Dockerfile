# Built by `make image`, with no network: build/wheels holds the package and its locked dependencies.
# BASE_IMAGE is any image with Python 3.11 or newer and pip; the wheels are for its Python version.
# Modules are compiled here, because the root file system is read-only at run time; those of the kubernetes package, of
# which few are ever loaded, would be 50 MB. Same wheels and base image, same bytes: no file says when it was made.
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE} AS build
ARG SOURCE_DATE_EPOCH=0
COPY build/wheels /wheels
RUN python3 -m venv --without-pip /opt/servicegraph \
 && python3 -m pip --python /opt/servicegraph/bin/python3 install --no-index --no-cache-dir --no-compile \
    --disable-pip-version-check --root-user-action ignore --find-links /wheels servicegraph \
 && python3 -m compileall -q --invalidation-mode unchecked-hash -x /kubernetes/ /opt/servicegraph/lib \
 && find /opt/servicegraph -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="servicegraph" \
      org.opencontainers.image.description="One resource says who calls whom; NetworkPolicies follow from it." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/servicegraph /opt/servicegraph
ENV PATH=/opt/servicegraph/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["servicegraph"]
CMD ["operator"]
