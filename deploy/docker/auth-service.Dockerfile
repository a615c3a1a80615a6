# syntax=docker/dockerfile:1
# auth-service: users, sessions and keys.
#
#   docker build -f deploy/docker/auth-service.Dockerfile -t invoice-app/auth-service .
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
RUN deploy/docker/assemble-rootfs /out/auth-service /rootfs

# Nothing but the binary and glibc: nothing is written outside /data,
# and there only with a SQLite store or without a key file.
FROM scratch
COPY --from=rootfs /rootfs /
COPY --from=rootfs --chown=65532:65532 /rootfs/data /data
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="auth-service" \
    org.opencontainers.image.description="Users, sessions, keys and tokens of invoice-app, over gRPC" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION"
# Beyond loopback the process demands TLS, or the flag that says something else encrypts.
ENV AUTH_LISTEN_ADDR=0.0.0.0:50051 \
    INVOICE_APP_ADMIN_LISTEN_ADDR=0.0.0.0:9090 \
    INVOICE_APP_DATA_DIR=/data
USER 65532:65532
WORKDIR /data
EXPOSE 50051 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/auth-service", "health"]
ENTRYPOINT ["/usr/local/bin/auth-service"]
