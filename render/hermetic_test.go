package render

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// outside is what a build that leaves the process would reach: an HTTP server, and a git
// program that is first in PATH.
type outside struct {
	url  string
	host string
	hits atomic.Int64
	git  string // exists once git has run
}

func newOutside(t *testing.T) *outside {
	o := &outside{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		o.hits.Add(1)
		fmt.Fprint(w, pod("stolen"))
	}))
	t.Cleanup(srv.Close)
	o.url, o.host = srv.URL, strings.TrimPrefix(srv.URL, "http://")
	dir := t.TempDir()
	o.git = filepath.Join(dir, "ran")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >> %s\nexit 1\n", o.git)
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return o
}

// reached says how often it was reached since the last call.
func (o *outside) reached() int {
	n := int(o.hits.Swap(0))
	if err := os.Remove(o.git); err == nil {
		n++
	}
	return n
}

// attacks are kustomizations that try to leave; URL and HOST are put in.
var attacks = map[string]struct {
	kustomization string
	harmless      bool // kustomize would not leave by it today
}{
	"a resource over HTTP":                {kustomization: "resources: [URL/pod.yaml]"},
	"a resource without slashes":          {kustomization: "resources: ['http:HOST']", harmless: true},
	"a base by HTTP and git":              {kustomization: "resources: ['URL/org/repo.git//base?ref=main']"},
	"a base in bases":                     {kustomization: "bases: [URL/org/repo]"},
	"a base on GitHub":                    {kustomization: "resources: [github.com/org/repo]"},
	"a base on GitHub with a path":        {kustomization: "resources: ['GitHub.com/org/repo//path?ref=v1']"},
	"a base by SSH":                       {kustomization: "resources: ['git@HOST:org/repo.git']"},
	"a base by an SSH URL":                {kustomization: "resources: ['ssh://git@HOST/org/repo']"},
	"a base in a file URL":                {kustomization: "resources: ['file:///tmp/repo']"},
	"a base with a forced protocol":       {kustomization: "resources: ['git::URL/org/repo']"},
	"a base with a ref alone":             {kustomization: "resources: ['org/repo?ref=v1']", harmless: true},
	"a component":                         {kustomization: "components: [URL/org/repo]"},
	"a component on GitHub":               {kustomization: "components: ['github.com/org/repo//c']"},
	"a patch":                             {kustomization: "resources: [p.yaml]\npatches: [{path: URL/patch.yaml}]"},
	"an old JSON patch":                   {kustomization: "resources: [p.yaml]\npatchesJson6902: [{path: URL/patch.yaml, target: {kind: Pod, name: p, version: v1}}]"},
	"an old merge patch":                  {kustomization: "resources: [p.yaml]\npatchesStrategicMerge: [URL/patch.yaml]"},
	"an old merge patch that is YAML too": {kustomization: "resources: [p.yaml]\npatchesStrategicMerge: ['URL/patch: yaml']"},
	"a file of a ConfigMap":               {kustomization: "resources: [p.yaml]\nconfigMapGenerator: [{name: c, files: [a=URL/f]}]"},
	"an env file of a Secret":             {kustomization: "resources: [p.yaml]\nsecretGenerator: [{name: c, envs: [URL/f]}]"},
	"the old env file":                    {kustomization: "resources: [p.yaml]\nconfigMapGenerator: [{name: c, env: URL/f}]"},
	"a replacement":                       {kustomization: "resources: [p.yaml]\nreplacements: [{path: URL/r.yaml}]"},
	"a CRD":                               {kustomization: "resources: [p.yaml]\ncrds: [URL/crd.yaml]"},
	"a configuration":                     {kustomization: "resources: [p.yaml]\nconfigurations: [URL/c.yaml]"},
	"a transformer":                       {kustomization: "resources: [p.yaml]\ntransformers: [URL/t.yaml]"},
	"a transformer that is YAML too":      {kustomization: "resources: [p.yaml]\ntransformers: ['URL/t: yaml']"},
}

func attackTree(o *outside, kustomization string) string {
	return "-- o/kustomization.yaml --\n" + strings.NewReplacer("URL", o.url, "HOST", o.host).Replace(kustomization) + "\n-- o/p.yaml --\n" + pod("p")
}

// Each of the two means alone keeps the process from reaching out; and without both it does,
// or the test would prove nothing.
func TestNothingReachesTheNetwork(t *testing.T) {
	o := newOutside(t)
	render := func(kustomization string, g guards) error {
		r := renderer{limits: defaultLimits, run: kustomize, guards: g}
		_, err := r.overlays(context.Background(), treeOf(attackTree(o, kustomization)), []string{"o"}, "cp-1")
		return err
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			err := render(attack.kustomization, guards{})
			if err == nil || !strings.Contains(err.Error(), "o/kustomization.yaml line ") {
				t.Errorf("refused with no file and line: %v", err)
			}
			if !strings.Contains(attack.kustomization, ": yaml") && !strings.Contains(err.Error(), "vendor") {
				t.Errorf("does not say what to do: %v", err)
			}
			if n := o.reached(); n != 0 {
				t.Errorf("reached %d times", n)
			}
			if err := render(attack.kustomization, guards{noInertPaths: true}); err == nil || o.reached() != 0 {
				t.Errorf("refusal alone does not hold: %v", err)
			}
			if err := render(attack.kustomization, guards{noRefusal: true}); err == nil || o.reached() != 0 {
				t.Errorf("inert paths alone do not hold: %v", err)
			}
			if !attack.harmless {
				err := render(attack.kustomization, guards{noRefusal: true, noInertPaths: true})
				if o.reached() == 0 {
					t.Errorf("the attack is none: %v", err)
				}
			}
		})
	}
}

func TestFieldsThatRunOrFetchAreRefused(t *testing.T) {
	o := newOutside(t)
	for name, tt := range map[string]struct{ kustomization, want string }{
		"openapi":               {"openapi: {path: URL/schema.json}", `o/kustomization.yaml line 2: openapi: is not supported`},
		"helm charts":           {"helmCharts: [{name: x, repo: URL}]", "line 2: helmCharts: is not supported: helm is never run"},
		"helm globals":          {"helmGlobals: {chartHome: x}", "line 2: helmGlobals: is not supported"},
		"old helm charts":       {"helmChartInflationGenerator: [{chartName: x}]", "line 2: helmChartInflationGenerator: is not supported"},
		"generators":            {"generators: [g.yaml]", "line 2: generators: is not supported"},
		"validators":            {"validators: [g.yaml]", "line 2: validators: is not supported"},
		"build metadata":        {"buildMetadata: [managedByLabel]", "line 2: buildMetadata: is not supported"},
		"an unknown field":      {"hooks: [x]", "line 2: hooks: unknown field"},
		"a field in wrong case": {"NamePrefix: x", "line 2: NamePrefix: unknown field"},
		"a nested unknown":      {"patches: [{pth: x}]", "line 2: patches[0].pth: unknown field"},
		"a duplicate field":     {"namePrefix: a\nnamePrefix: b", "line 3: namePrefix: duplicate key, first on line 2"},
		"an exec function":      {"transformers: [t.yaml]\n-- o/t.yaml --\napiVersion: x/v1\nkind: T\nmetadata:\n  name: t\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run}", "o/t.yaml line 6: metadata.annotations[config.kubernetes.io/function]: is not supported"},
		"a container":           {"transformers:\n- |\n  apiVersion: x/v1\n  kind: T\n  metadata: {name: t, annotations: {config.kubernetes.io/function: \"container: {image: i}\"}}", "o/kustomization.yaml line 3: transformers[0]: in line 2 of it: kind: x/v1 \"T\" cannot run"},
		"a helm transformer":    {"transformers: [t.yaml]\n-- o/t.yaml --\napiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: t}", `o/t.yaml line 2: kind: builtin "HelmChartInflationGenerator" cannot run`},
		"a builtin that reads":  {"transformers: [t.yaml]\n-- o/t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\npath: URL/x", `o/t.yaml line 2: kind: builtin "PatchTransformer" cannot run`},
		"a list of plugins":     {"transformers: [t.yaml]\n-- o/t.yaml --\napiVersion: v1\nkind: List\nitems: []", `o/t.yaml line 2: kind: v1 "List" cannot run`},
		"a folder of plugins":   {"transformers: [t]\n-- o/t/kustomization.yaml --\nresources: [x.yaml]", `"o/t" is a folder, not a file`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("URL", o.url).Replace(one(tt.kustomization))
			_, err := overlays(t, treeOf(text), "o")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got:\n%v\nwant: %s", err, tt.want)
			}
			if o.reached() != 0 {
				t.Error("reached out")
			}
		})
	}
}

func TestInertPathsAreTheSamePaths(t *testing.T) {
	for in, want := range map[string]string{
		"a": "./a", "./a/": "./a", "../a": "../a", "..": "..", ".": "./.", "a/../b": "./b", "a//b": "./a/b", "http://x/y": "./http:/x/y",
		"git@h:o/r": "./git@h:o/r", "/etc": "./etc", "github.com/o/r": "./github.com/o/r", "../../x//y": "../../x/y",
	} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}
