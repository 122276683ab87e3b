#!/bin/sh
# What a user would run from cron instead: fetch, render, move into place. No checks, no fsync, no way back.
# Usage: cron.sh CLONE OVERLAY STAGING MANIFESTS. STAGING is an empty folder on the file system of MANIFESTS, so that mv
# renames. `kustomize build -o` writes a file a Pod, which is cheaper than splitting one stream.
set -eu
git -C "$1" fetch -q origin main
git -C "$1" reset -q --hard FETCH_HEAD
kustomize build "$1/$2" -o "$3"
mv "$3"/*.yaml "$4"
