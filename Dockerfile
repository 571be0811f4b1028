# Both programs, static, and nothing else: no shell, no package manager, no user but a number.
#
#   docker build -t continuous-load:0.1.0 .
#
# scripts/image calls this with a tag, a time and a revision, checks the size, and knows what to do without Docker. What stands in for
# the first stage there (`--build-context build=FOLDER`) is made by the same scripts/image-files.

# Compiles on the machine's own architecture for the one that is asked for: an emulated compiler takes an hour.
FROM --platform=$BUILDPLATFORM rust:1.95.0-bookworm AS build
# The toolchain of the image is the pinned one; asked by its name, rustup does not go and fetch components for editors.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_HOME=/cargo CARGO_TARGET_DIR=/target
ARG TARGETARCH
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates python3 gcc libc6-dev \
        $(test "$TARGETARCH" = "$(dpkg --print-architecture)" || case "$TARGETARCH" in \
            amd64) echo gcc-x86-64-linux-gnu libc6-dev-amd64-cross ;; \
            arm64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross ;; \
        esac) \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Of the list of packages; scripts/image gives the time of the commit.
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,id=continuous-load-cargo,target=/cargo,sharing=locked \
    --mount=type=cache,id=continuous-load-target-$TARGETARCH,target=/target,sharing=locked \
    scripts/image-files "$TARGETARCH" /image

FROM scratch
LABEL org.opencontainers.image.title="continuous-load" \
      org.opencontainers.image.description="A target and an injector that agree, request by request, on what the network path between them did" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      continuous-load.sbom="/sbom.cdx.json"
# /target-server and /injector, which are links to one file, the certificates that injector and target trust by default, the list of packages, the licence.
COPY --from=build /image/ /
# A number, so that `runAsNonRoot` can see that it is not root.
USER 65532:65532
EXPOSE 9898 9899 9999 9007/tcp 9007/udp 1053/tcp 1053/udp 9797 9798
# The injector is `--entrypoint /injector`, as in the chart.
ENTRYPOINT ["/target-server"]
