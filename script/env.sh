# shellcheck shell=bash
# Every script sources this file. It sets strict mode, changes to the repository's root, and defines functions for messages.

set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$root"

# Files that the scripts fetch or make. They can be deleted at any time.
cache=$root/.cache
mkdir -p -- "$cache/bin"

# shellcheck disable=SC2034 # used by those who source this
image=${HERMES_IMAGE:-hermes:dev}
# shellcheck disable=SC2034
base_image=debian:trixie-slim

# All scripts compile with the same flags, so that each package is compiled once for each system and not once for each script. They
# leave out debug information, which takes a tenth of the time and which nobody uses. The caller's own flags come last and win.
export CGO_ENABLED=0 GOFLAGS="-trimpath -gcflags=all=-dwarf=false -ldflags=-w ${GOFLAGS:-}"

say() { printf '==> %s\n' "$*"; }

die() {
	printf '✗ %s\n' "$*" >&2
	exit 1
}

# version prints the version that the binary and the image get.
version() {
	git describe --tags --always --dirty 2>/dev/null || echo dev
}

# build_go GOOS GOARCH FILE: builds a static, stripped, reproducible binary.
build_go() {
	GOOS=$1 GOARCH=$2 go build \
		-ldflags "-s -w -X hermes/internal/version.Version=$(version)" \
		-o "$3" ./cmd/hermes
	# The image copies this mode, so set it, whatever the umask is.
	chmod 0755 "$3"
}

# tool NAME PACKAGE: builds a program of tools/ if it is not current, and prints its path.
tool() {
	go -C tools build -o "$cache/bin/$1" "$2" >&2
	printf '%s\n' "$cache/bin/$1"
}
