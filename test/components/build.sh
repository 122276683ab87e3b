#!/usr/bin/env bash
# Builds the programs of the test node from their own Go modules, each once: the cache is keyed by the module's version.
# Usage: build.sh [CACHE]   (default: test/.cache). Prints the cache folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${PERCH_TEST_CACHE:-$here/../.cache}}
mkdir -p "$cache" && cache=$(cd "$cache" && pwd)
exec 9>"$cache/.lock" && flock 9

# build MODULE-FOLDER NAME MODULE LDFLAGS BINARY=PACKAGE...
build() {
  local folder=$1 name=$2 module=$3 ldflags=$4 version binary package out
  shift 4
  version=$(cd "$here/$folder" && go list -m -f '{{.Version}}' "$module")
  out=$cache/$name-$version
  mkdir -p "$out"
  for pair in "$@"; do
    binary=${pair%%=*} package=${pair#*=}
    [ -x "$out/$binary" ] && continue
    echo "building $name $version: $binary" >&2
    (cd "$here/$folder" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${ldflags//VERSION/$version}" -o "$out/.$binary" "$package")
    mv "$out/.$binary" "$out/$binary"
  done
  ln -sfn "$name-$version" "$cache/$folder"
}

kube='-X k8s.io/component-base/version.gitVersion=VERSION -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37'
build kubernetes kubernetes k8s.io/kubernetes "$kube" \
  kubelet=k8s.io/kubernetes/cmd/kubelet kubeadm=k8s.io/kubernetes/cmd/kubeadm \
  kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver \
  kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler
build containerd containerd github.com/containerd/containerd/v2 '' \
  containerd=github.com/containerd/containerd/v2/cmd/containerd ctr=github.com/containerd/containerd/v2/cmd/ctr \
  containerd-shim-runc-v2=github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
build etcd-3.7 etcd go.etcd.io/etcd/server/v3 '' etcd=go.etcd.io/etcd/server/v3
build etcd-3.6 etcd go.etcd.io/etcd/server/v3 '' etcd=go.etcd.io/etcd/server/v3
echo "$cache"
