package render

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorsNameOverlayFileLineAndField(t *testing.T) {
	for name, tt := range map[string]struct{ tree, want string }{
		"an unknown field in a base": {
			"-- o/kustomization.yaml --\nresources: [../base]\nnamePrefix: my-\n-- base/kustomization.yaml --\nresources: [etcd.yaml]\n-- base/etcd.yaml --\n" + pod("etcd", "    imagePullPolic: Always\n"),
			`render overlay "o": base/etcd.yaml line 10: Pod kube-system/my-etcd: spec.containers[0].imagePullPolic: unknown field`,
		},
		"an unknown field in the second Pod of a file": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\n-- o/p.yaml --\n" + pod("a") + "---\n" + pod("b", "  hostnetwork: true\n"),
			`render overlay "o": o/p.yaml line 20: Pod kube-system/b: spec.hostnetwork: unknown field`,
		},
		"an unknown field in a merge patch that adds a container in front": {
			one("patches: [{path: add.yaml}]", "-- o/add.yaml --\n"+strings.ReplaceAll(pod("p", "    imag: x\n"), "name: c", "name: d")),
			`render overlay "o": o/add.yaml line 10: Pod kube-system/p: spec.containers[0].imag: unknown field`,
		},
		"a mistake in the old container is found although a patch moved it": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\npatches: [{path: add.yaml}]\n-- o/p.yaml --\n" + pod("p", "    imag: x\n") + "-- o/add.yaml --\n" + strings.ReplaceAll(pod("p"), "name: c", "name: d"),
			`render overlay "o": o/p.yaml line 10: Pod kube-system/p: spec.containers[1].imag: unknown field`,
		},
		"a JSON patch in a file": {
			one("patches: [{path: j.yaml, target: {kind: Pod}}]", "-- o/j.yaml --\n- op: add\n  path: /spec/containers/0/nope\n  value: 1\n"),
			`render overlay "o": o/j.yaml line 2: Pod kube-system/p: spec.containers[0].nope: unknown field`,
		},
		"a patch that takes a needed field away": {
			one("patches: [{path: j.yaml, target: {kind: Pod}}]", "-- o/j.yaml --\n- op: remove\n  path: /metadata/namespace\n"),
			`render overlay "o": o/j.yaml line 2: Pod p: metadata.namespace: must be given: the kubelet would silently take "default"`,
		},
		"a value that a patch replaced": {
			one("patches: [{path: add.yaml}]", "-- o/add.yaml --\n"+strings.ReplaceAll(pod("p"), "i:1", "\"\"")),
			`render overlay "o": o/add.yaml line 9: Pod kube-system/p: spec.containers[0].image: Required value`,
		},
		"a value that a patch for another Pod has too": {
			"-- o/kustomization.yaml --\nresources: [p.yaml, q.yaml]\npatches: [{path: add.yaml}]\n-- o/p.yaml --\n" + strings.ReplaceAll(pod("p"), "i:1", "\"\"") +
				"-- o/q.yaml --\n" + pod("q") + "-- o/add.yaml --\n" + strings.ReplaceAll(pod("q"), "i:1", "j:1"),
			`render overlay "o": o/p.yaml line 9: Pod kube-system/p: spec.containers[0].image: Required value`,
		},
		"an inline patch": {
			one("patches:\n- target: {kind: Pod}\n  patch: |\n    - {op: add, path: /spec/nope, value: 1}"),
			`render overlay "o": o/kustomization.yaml line 4: Pod kube-system/p: spec.nope: unknown field`,
		},
		"an old inline patch": {
			one("patchesStrategicMerge:\n- |\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: p, namespace: kube-system}\n  spec: {nope: 1}"),
			`render overlay "o": o/kustomization.yaml line 3: Pod kube-system/p: spec.nope: unknown field`,
		},
		"no namespace": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\n-- o/p.yaml --\n" + strings.Replace(pod("p"), "  namespace: kube-system\n", "", 1),
			`render overlay "o": o/p.yaml line 3: Pod p: metadata.namespace: must be given: the kubelet would silently take "default"`,
		},
		"a ConfigMap that stays in the result": {
			one("configMapGenerator: [{name: c, literals: [a=b]}]"),
			`render overlay "o": o/kustomization.yaml line 1: ConfigMap "c-4h2mbtbbt6" (v1): only Pods can be rendered, since the kubelet runs nothing else from files; one that only replacements read is left out by the annotation config.kubernetes.io/local-config: "true"`,
		},
		"a Deployment": {
			one("", "-- o/kustomization.yaml --\nresources: [d.yaml]\n-- o/d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"),
			`render overlay "o": o/d.yaml line 2: Deployment "d" (apps/v1): only Pods can be rendered, since the kubelet runs nothing else from files`,
		},
		"a wave that is none": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\n-- o/p.yaml --\n" + strings.Replace(pod("p"), "spec:", "  annotations:\n    perch/wave: soon\nspec:", 1),
			`render overlay "o": o/p.yaml line 7: Pod kube-system/p: metadata.annotations[perch/wave]: "soon" must be a whole number from 0 to 1000`,
		},
		"our own annotation": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\n-- o/p.yaml --\n" + strings.Replace(pod("p"), "spec:", "  annotations: {perch/digest: x}\nspec:", 1),
			`render overlay "o": o/p.yaml line 6: Pod kube-system/p: metadata.annotations[perch/digest]: must not be given: perch sets it`,
		},
		"Kind for kind": {
			one("", "-- o/kustomization.yaml --\nresources: [d.yaml]\n-- o/d.yaml --\napiVersion: v1\nKind: Pod\nmetadata: {name: d}\n"),
			`render overlay "o": o/d.yaml line 2: kind: is missing; there is "Kind": did you mean "kind"?`,
		},
		"a duplicate key in the second document": {
			one("", "-- o/kustomization.yaml --\nresources: [d.yaml]\n-- o/d.yaml --\n"+pod("a")+"---\n"+pod("b", "    image: j\n")),
			`render overlay "o": o/d.yaml line 20: spec.containers[0].image: duplicate key, first on line 19`,
		},
		"a syntax error in a resource": {
			one("", "-- o/kustomization.yaml --\nresources: [d.yaml]\n-- o/d.yaml --\napiVersion: v1\n\tkind: Pod\n"),
			`render overlay "o": o/d.yaml line 2: invalid YAML: found a tab character that violates indentation`,
		},
		"an empty resource": {
			one("", "-- o/kustomization.yaml --\nresources: [d.yaml]\n-- o/d.yaml --\n# nothing\n"),
			`render overlay "o": o/d.yaml: is empty`,
		},
		"a missing resource":          {one("components: [../c]"), `render overlay "o": o/kustomization.yaml line 2: components[0]: there is no "c" in the repository`},
		"a missing file, maybe a URL": {one("patches: [{path: bitbucket.org/org/p.yaml}]"), `o/kustomization.yaml line 2: patches[0].path: there is no "o/bitbucket.org/org/p.yaml" in the repository; if it is remote: perch renders without network; copy (vendor) it into the repository and name it by a relative path`},
		"an absolute path":            {one("patches: [{path: /etc/passwd}]"), `o/kustomization.yaml line 2: patches[0].path: "/etc/passwd" is absolute: must be relative to the folder of this file`},
		"a path out of the tree":      {one("components: [../../c]"), `o/kustomization.yaml line 2: components[0]: "../../c" leaves the repository`},
		"a file of another folder":    {one("patches: [{path: ../x.yaml}]", "-- x.yaml --\na: b\n"), `o/kustomization.yaml line 2: patches[0].path: "../x.yaml" is outside the folder of this file: kustomize takes only folders from elsewhere`},
		"no kustomization":            {"-- o/p.yaml --\n" + pod("p"), `render overlay "o": there is no kustomization.yaml in "o"`},
		"no folder":                   {"-- x --\n", `render overlay "o": there is no "o" in the repository`},
		"two kustomizations":          {one("", "-- o/Kustomization --\nresources: [p.yaml]\n"), `render overlay "o": there is more than one kustomization in "o": o/kustomization.yaml, o/Kustomization`},
		"a cycle":                     {"-- o/kustomization.yaml --\nresources: [../a]\n-- a/kustomization.yaml --\nresources: [../o]\n", `render overlay "o": a/kustomization.yaml line 1: resources[0]: "o" includes itself: o → a → o`},
		"a base above":                {"-- o/kustomization.yaml --\nresources: [b]\n-- o/b/kustomization.yaml --\nresources: [..]\n", `o/b/kustomization.yaml line 1: resources[0]: "o" includes itself`},
		"a component as a base":       {"-- o/kustomization.yaml --\nresources: [../c]\n-- c/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n", `c/kustomization.yaml line 2: kind: is "Component", but must be Kustomization where it is included like this`},
		"a base as a component":       {one("components: [../c]", "-- c/kustomization.yaml --\nnamePrefix: x\n"), `c/kustomization.yaml line 1: kind: is "", but must be Component where it is included like this`},
		"an overlay of nothing":       {"-- o/kustomization.yaml --\nnamePrefix: x\n", `render overlay "o": renders nothing: that is never taken for an instruction to remove every Pod`},
		"a patch without its target":  {one("patches: [{path: add.yaml}]", "-- o/add.yaml --\n"+pod("q")), `render overlay "o": kustomize:`},
		"an alias bomb":               {one("", "-- o/p.yaml --\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"), `o/p.yaml line 1: invalid YAML: aliases expand to too much`},
		"a file name that is too long": {
			"-- o/kustomization.yaml --\nresources: [p.yaml]\n-- o/p.yaml --\n" + pod(strings.Repeat("p", 230)),
			`metadata.name: the file name ` + strings.Repeat("p", 230) + `.yaml is longer than 220 bytes`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ms, err := overlays(t, treeOf(tt.tree), "o")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
			}
			if ms != nil || !errors.As(err, new(Problems)) {
				t.Errorf("%d manifests, error %T", len(ms), err)
			}
		})
	}
}

func TestAllMistakesOfAllOverlaysAreReportedAtOnce(t *testing.T) {
	tree := treeOf("-- a/kustomization.yaml --\nresources: [x.yaml]\nnope: 1\n-- b/kustomization.yaml --\nresources: [p.yaml, q.yaml]\n-- b/p.yaml --\n" +
		pod("p", "    imag: x\n") + "-- b/q.yaml --\n" + pod("q", "  serviceAccountName: x\n  hostnetwork: true\n") + "-- c/kustomization.yaml --\nresources: [https://x.y/z, https://x.y/w]\n")
	_, err := overlays(t, tree, "a", "b", "c", "../d")
	for _, want := range []string{"a/kustomization.yaml line 2: nope", "b/p.yaml line 10: ", "b/q.yaml line 10: ", "b/q.yaml line 11: ", "resources[0]", "resources[1]", `overlay "../d"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestOverlaysThatClash(t *testing.T) {
	tree := treeOf("-- a/kustomization.yaml --\nresources: [../base]\n-- b/kustomization.yaml --\nresources: [../base]\n-- base/kustomization.yaml --\nresources: [p.yaml]\n-- base/p.yaml --\n" + pod("p") +
		"-- c/kustomization.yaml --\nresources: [c.yaml]\n-- c/c.yaml --\n" + pod("c", "    ports: [{containerPort: 80, hostPort: 80}]\n") +
		"-- d/kustomization.yaml --\nresources: [d.yaml]\n-- d/d.yaml --\n" + pod("d", "    ports: [{containerPort: 80}]\n  hostNetwork: true\n"))
	_, err := overlays(t, tree, "d", "c", "b", "a")
	for _, want := range []string{
		`Pod kube-system/p is there twice: overlay "a" (base/p.yaml) and overlay "b" (base/p.yaml)`,
		`Pods kube-system/c and kube-system/d both want host port 80/TCP: the kubelet would refuse one of them for good: overlay "c" (c/c.yaml) and overlay "d" (d/d.yaml)`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
	if ms, err := overlays(t, tree, "a", "c"); err != nil || len(ms) != 2 {
		t.Errorf("got %d, %v", len(ms), err)
	}
}
