# shellcheck shell=bash
# Sourced by every script: strict mode, the repository's root, one way to talk.

set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$root"

# What the scripts fetch or derive, and may delete at any time.
cache=$root/.cache
mkdir -p -- "$cache/bin"

# shellcheck disable=SC2034 # used by those who source this
image=${HERMES_IMAGE:-hermes:dev}
# shellcheck disable=SC2034
base_image=debian:trixie-slim

# One way to compile for all of them, so that each package is compiled once for a system and not once for each script. Nobody debugs
# what they build: debug information costs a tenth of the time. A caller's own flags come later and win.
export CGO_ENABLED=0 GOFLAGS="-trimpath -gcflags=all=-dwarf=false -ldflags=-w ${GOFLAGS:-}"

say() { printf '==> %s\n' "$*"; }

die() {
	printf '✗ %s\n' "$*" >&2
	exit 1
}

# version prints what the binary and the image call themselves.
version() {
	git describe --tags --always --dirty 2>/dev/null || echo dev
}

# build_go GOOS GOARCH FILE: one static, stripped, reproducible binary.
build_go() {
	GOOS=$1 GOARCH=$2 go build \
		-ldflags "-s -w -X hermes/internal/version.Version=$(version)" \
		-o "$3" ./cmd/hermes
	# The image takes the mode from here, whatever the umask.
	chmod 0755 "$3"
}

# tool prints the path of a program of tools/, building it if it is not current.
tool() {
	go -C tools build -o "$cache/bin/$1" "$2" >&2
	printf '%s\n' "$cache/bin/$1"
}
