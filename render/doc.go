// Package render turns overlays into checked Pod manifests. Same input, same bytes.
//
// Rendering is hermetic: kustomize runs in memory on the files that the overlays name,
// every one of which lies in the tree. No network, no plugins, no environment, no files
// outside the tree, and nothing of the tree that the overlays do not need is read.
// Each Pod is then checked as the kubelet of this node would check it, and more
// strictly; see the package podcheck.
//
// kustomize merges lists by a schema of Kubernetes 1.21 that is built into it: a merge
// patch replaces a list field that is newer, where kubectl would merge it.
package render
