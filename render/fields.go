package render

//lint:file-ignore SA1019 repositories have the deprecated fields too, and each path in them has to be seen

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// Fields of a kustomization that are not followed, with the reason for a person.
var refusedFields = map[string]string{
	"openapi":                     "is not supported: it changes how every later build merges lists",
	"helmCharts":                  "is not supported: helm is never run; commit the rendered Pods",
	"helmGlobals":                 "is not supported: helm is never run; commit the rendered Pods",
	"helmChartInflationGenerator": "is not supported: helm is never run; commit the rendered Pods",
	"generators":                  "is not supported: only plugins could be named; configMapGenerator and secretGenerator work",
	"validators":                  "is not supported: only plugins could be named; perch checks every Pod itself",
	"buildMetadata":               "is not supported: it would put the version of kustomize into every Pod, and a new perch would restart them",
}

// knownFields are the ones that are walked, or hold no path. A field that a later kustomize
// adds is in neither list and refused, until somebody has looked whether it names files.
var knownFields = map[string]bool{
	"apiVersion": true, "kind": true, "metadata": true,
	"namePrefix": true, "nameSuffix": true, "namespace": true,
	"commonLabels": true, "labels": true, "commonAnnotations": true,
	"patchesStrategicMerge": true, "patchesJson6902": true, "patches": true,
	"images": true, "imageTags": true, "replacements": true, "replicas": true, "vars": true, "sortOptions": true,
	"resources": true, "components": true, "crds": true, "bases": true,
	"configMapGenerator": true, "secretGenerator": true, "generatorOptions": true,
	"configurations": true, "transformers": true,
}

// role says what a path of a kustomization may name.
type role int

const (
	objects       role = iota // a file of objects, or a folder with a kustomization
	component                 // a folder with a kustomization of kind Component
	data                      // a file of anything
	yamlFile                  // a YAML file that is no object
	patch                     // a YAML file that is a patch
	inlineOrPatch             // a patch: itself, or a file
	inlinePatch               // a patch itself
	plugin                    // a configuration of a builtin transformer: itself, or a file
)

// reference is one place of a kustomization that names a file or folder.
type reference struct {
	field string
	value string
	role  role
	set   func(string)

	targeted bool // a patch with a target
}

// references lists every place of a kustomization that names a file or folder. It is the
// only function that knows them: what it does not list, kustomize does not get.
func references(k *types.Kustomization) (refs []reference) {
	list := func(role role, field string, ps []string) {
		for i := range ps {
			refs = append(refs, reference{field: fmt.Sprintf("%s[%d]", field, i), value: ps[i], role: role, set: func(s string) { ps[i] = s }})
		}
	}
	list(objects, "resources", k.Resources)
	list(objects, "bases", k.Bases)
	list(component, "components", k.Components)
	list(yamlFile, "crds", k.Crds)
	list(yamlFile, "configurations", k.Configurations)
	list(plugin, "transformers", k.Transformers)
	targeted := func(field string, patches []types.Patch) {
		for i := range patches {
			p := &patches[i]
			if p.Path != "" {
				refs = append(refs, reference{field: fmt.Sprintf("%s[%d].path", field, i), value: p.Path, role: patch, set: func(s string) { p.Path = s }, targeted: p.Target != nil})
			}
		}
	}
	targeted("patches", k.Patches)
	targeted("patchesJson6902", k.PatchesJson6902)
	for i := range k.PatchesStrategicMerge {
		p := (*string)(&k.PatchesStrategicMerge[i])
		refs = append(refs, reference{field: fmt.Sprintf("patchesStrategicMerge[%d]", i), value: *p, role: inlineOrPatch, set: func(s string) { *p = s }})
	}
	for i := range k.Replacements {
		if p := &k.Replacements[i].Path; *p != "" {
			refs = append(refs, reference{field: fmt.Sprintf("replacements[%d].path", i), value: *p, role: yamlFile, set: func(s string) { *p = s }})
		}
	}
	for i := range k.ConfigMapGenerator {
		refs = append(refs, generatorFiles(fmt.Sprintf("configMapGenerator[%d]", i), &k.ConfigMapGenerator[i].KvPairSources)...)
	}
	for i := range k.SecretGenerator {
		refs = append(refs, generatorFiles(fmt.Sprintf("secretGenerator[%d]", i), &k.SecretGenerator[i].KvPairSources)...)
	}
	return refs
}

// splitKey splits "key=path" into "key=" and "path".
func splitKey(entry string) (key, file string) {
	if i := strings.IndexByte(entry, '='); i >= 0 {
		return entry[:i+1], entry[i+1:]
	}
	return "", entry
}

// generatorFiles lists the files of a ConfigMap or Secret that is made, which is of use as the
// source of a replacement.
func generatorFiles(field string, s *types.KvPairSources) (refs []reference) {
	for i, entry := range s.FileSources {
		key, file := splitKey(entry)
		refs = append(refs, reference{field: fmt.Sprintf("%s.files[%d]", field, i), value: file, role: data, set: func(p string) { s.FileSources[i] = key + p }})
	}
	for i, file := range s.EnvSources {
		refs = append(refs, reference{field: fmt.Sprintf("%s.envs[%d]", field, i), value: file, role: data, set: func(p string) { s.EnvSources[i] = p }})
	}
	if s.EnvSource != "" {
		refs = append(refs, reference{field: field + ".env", value: s.EnvSource, role: data, set: func(p string) { s.EnvSource = p }})
	}
	return refs
}
