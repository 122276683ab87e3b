//go:build bench

package bench

import (
	"fmt"
	"strings"
	"testing"
)

// manyOverlays is a fleet of sites: an overlay each, all on the example's base. One of them is this node's.
type manyOverlays struct {
	*repository
	sites int
	all   bool // perch.yaml lists all overlays, and not just a few
}

const siteNode = "site-0005-cp-1"

func newManyOverlays(b testing.TB, sites int, all bool) *manyOverlays {
	b.Helper()
	m := &manyOverlays{newRepository(b), sites, all}
	listed := sites
	if !all {
		listed = 10
	}
	var fleet strings.Builder
	fleet.WriteString("apiVersion: perch/v1alpha1\nkind: Fleet\noverlays:\n")
	for site := range sites {
		m.site(site, "v0")
		if site < listed {
			fmt.Fprintf(&fleet, "- path: %s\n  nodeNames: [\"site-%04d-*\"]\n", siteFolder(site), site)
		}
	}
	m.write("perch.yaml", fleet.String())
	m.push("all sites")
	return m
}

// upgrade pushes a commit that changes this node's overlay and no other.
func (m *manyOverlays) upgrade(tag string) {
	m.b.Helper()
	m.site(5, tag)
	m.push("upgrade to " + tag)
}

func (m *manyOverlays) site(site int, tag string) {
	m.b.Helper()
	m.write(siteFolder(site)+"/kustomization.yaml", fmt.Sprintf(siteKustomization, tag))
	m.write(siteFolder(site)+"/etcd.yaml", fmt.Sprintf(sitePatch, site))
}

func siteFolder(site int) string { return fmt.Sprintf("overlays/site-%04d", site) }

const (
	siteKustomization = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../base]
images:
- {name: registry.k8s.io/etcd, newTag: 3.7.3-0}
- {name: registry.k8s.io/kube-apiserver, newTag: %[1]q}
- {name: registry.k8s.io/kube-controller-manager, newTag: %[1]q}
- {name: registry.k8s.io/kube-scheduler, newTag: %[1]q}
patches: [{path: etcd.yaml}]
`
	sitePatch = `apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system, annotations: {example.com/site: "%04d"}}
`
)
