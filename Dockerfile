# The service alone; Postgres and Redis are containers of their own (docker-compose.yml).
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
# The dependencies first: they are compiled again only when the lock file changes.
RUN mkdir -p src tests/it && echo 'fn main() {}' >src/main.rs && touch src/lib.rs tests/it/main.rs \
    && cargo build --release --locked && rm -rf src tests
COPY . .
# Without the line tables, which are three quarters of the file; the names of functions stay in backtraces.
RUN touch src/lib.rs src/main.rs && cargo build --release --locked && strip --strip-debug target/release/ledgerline

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin ledgerline
COPY --from=build /source/target/release/ledgerline /usr/local/bin/ledgerline
USER ledgerline
ENV LEDGERLINE_LISTEN=0.0.0.0:8080 LEDGERLINE_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD curl --fail --silent --show-error http://127.0.0.1:8080/readyz || exit 1
# SIGTERM lets dialled calls be bridged first: give it more than LEDGERLINE_DRAIN_SECONDS.
STOPSIGNAL SIGTERM
ENTRYPOINT ["ledgerline"]
CMD ["serve"]
