#!/usr/bin/env bash
# Builds or reuses the real node's programs and runs the proofs on it. Fails, rather than skips, where something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo 'make e2e starts a kubelet and a container runtime: run it as root' >&2; exit 1; }
for tool in runc ip git mount; do
  command -v "$tool" >/dev/null || { echo "make e2e needs $tool: apt-get install runc iproute2 git mount" >&2; exit 1; }
done
"$here/components/build.sh" >/dev/null
cd "$here"
go test -tags e2e -count=1 -timeout 20m ./node ./fleet # the node itself, and that the example fleet runs on it
exec go test -tags e2e -count=1 -timeout 40m -v "$@" ./e2e
