#!/usr/bin/env bash
# Shows perch at work without root and without a kubelet: a Git repository made from examples/fleet, the agent on it, and
# a folder that stands for a kubelet's staticPodPath. With no kubelet there is no health to wait for (health.mode: none).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
perch=$root/bin/perch
work=$(mktemp -d)
agent=
cleanup() {
  [ -z "$agent" ] || { kill "$agent" && wait "$agent"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
status() { "$perch" status --config "$work/perch.yaml" "$@"; }

git_() { git -C "$work/fleet" -c user.name=demo -c user.email=demo@example.com "$@"; }
push() { git_ add -A && git_ commit -q -m "$1" && git_ push -q origin main; git_ log -1 --format='pushed %h  %s'; }

# settled waits until the agent has looked at what was pushed.
settled() {
  local head; head=$(git_ rev-parse HEAD)
  kill -USR1 "$agent"
  for _ in $(seq 100); do
    grep -q "$head" "$work/state/last-sync.json" 2>/dev/null && return
    kill -0 "$agent" || { cat "$work/log"; exit 1; }
    sleep 0.1
  done
  echo 'the agent did not look in 10 s'; cat "$work/log"; exit 1
}

say 'A fleet repository, made from examples/fleet'
git init -q --bare -b main "$work/fleet.git"
git clone -q "$work/fleet.git" "$work/fleet" 2>/dev/null
git_ checkout -q -b main 2>/dev/null || true
cp -r "$root/examples/fleet/." "$work/fleet/"
push 'the control plane as code'

say 'The agent, on a node that runs nothing yet'
mkdir -p "$work/manifests"
cat > "$work/perch.yaml" <<YAML
apiVersion: perch/v1alpha1
kind: AgentConfiguration
source: {url: "$work/fleet.git", ref: main, schedule: "@every 1h"}
node: {name: cp-1, labels: {node-role.kubernetes.io/control-plane: ""}}
kubelet: {staticPodPath: "$work/manifests"}
health: {mode: none}
state: {dir: "$work/state"}
YAML
"$perch" run --config "$work/perch.yaml" 2> "$work/log" &
agent=$!
settled
show ls "$work/manifests"
status

say 'A good change: one flag of kube-scheduler'
file=$work/fleet/base/kube-scheduler.yaml
sed -i 's/^\( *\)- kube-scheduler$/&\n\1- --v=2/' "$file"
git_ --no-pager diff --stat
push 'scheduler: log a little more'
show "$perch" plan --config "$work/perch.yaml" || [ $? -eq 6 ]
settled
grep -n -- '--v=2' "$work/manifests/kube-scheduler.yaml"
status

say 'A broken one: a field that does not exist'
before=$(cat "$work"/manifests/*.yaml | cksum)
sed -i 's/^  hostNetwork: true/  hostNetwrok: true/' "$work/fleet/base/etcd.yaml"
push 'etcd: a typo'
settled
status
[ "$before" = "$(cat "$work"/manifests/*.yaml | cksum)" ] && echo 'The node was not touched.'

say 'The fix'
sed -i 's/^  hostNetwrok: true/  hostNetwork: true/' "$work/fleet/base/etcd.yaml"
push 'etcd: mend the typo'
settled
status

say 'What the agent logged'
cat "$work/log"
