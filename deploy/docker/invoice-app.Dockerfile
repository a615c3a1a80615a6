# syntax=docker/dockerfile:1
# invoice-app: everything in one process, on SQLite in /data.
#
#   docker build -f deploy/docker/invoice-app.Dockerfile -t invoice-app/invoice-app .
#
# The build stage is the same text in every Dockerfile here, so one build serves all images. Its cache
# mounts keep compiled dependencies from build to build; the usual trick of building them from stub
# manifests would need a list of all workspace members in each file. The four binaries are built by one
# command because cargo unifies features over what it builds. The tag is the toolchain of
# rust-toolchain.toml on Debian 12; pin its digest (@sha256:…) where builds must be repeatable to the byte.
FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=invoice-app-crates,target=/usr/local/cargo/registry \
    --mount=type=cache,id=invoice-app-target,target=/src/target,sharing=locked \
    cargo build --release --locked \
        --package auth-service --package gateway --package invoice-app --package invoice-service \
    && install -D --target-directory=/out \
        target/release/auth-service target/release/gateway \
        target/release/invoice-app target/release/invoice-service

FROM build AS rootfs
RUN deploy/docker/assemble-rootfs /out/invoice-app /rootfs

# The web console, built on the client's source and the contract. Served when GATEWAY_CONSOLE_DIR=/console says so.
FROM node:20.19.0-bookworm-slim AS console
WORKDIR /src
COPY proto proto
COPY web web
RUN --mount=type=cache,id=invoice-app-npm,target=/root/.npm \
    npm --prefix web/client ci --no-fund --no-audit \
    && npm --prefix web/console ci --no-fund --no-audit \
    && npm --prefix web/console run build

# Nothing but the binary, glibc and the console: nothing is written outside /data.
# Keep that on a volume: `docker run -v invoices:/data -p 127.0.0.1:8080:8080 … --gateway-plaintext`.
FROM scratch
COPY --from=rootfs /rootfs /
COPY --from=rootfs --chown=65532:65532 /rootfs/data /data
COPY --from=console /src/web/console/dist /console
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="invoice-app" \
    org.opencontainers.image.description="The invoicing backend in one process, on SQLite" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION"
# Beyond loopback the process demands TLS, or the flag that says something else encrypts.
ENV GATEWAY_LISTEN_ADDR=0.0.0.0:8080 \
    INVOICE_APP_ADMIN_LISTEN_ADDR=0.0.0.0:9090 \
    INVOICE_APP_DATA_DIR=/data
USER 65532:65532
WORKDIR /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/invoice-app", "health"]
ENTRYPOINT ["/usr/local/bin/invoice-app"]
