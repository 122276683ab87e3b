package main

import (
	"fmt"
	"reflect"
	"slices"

	"sigs.k8s.io/yaml"
)

// maxDifferences keeps a reason readable; the diff has the rest.
const maxDifferences = 6

// differences names the fields in which two documents differ, like spec.containers[etcd].image. Items of a list that
// have names are compared by name.
func differences(a, b []byte) []string {
	var before, after any
	if yaml.Unmarshal(a, &before) != nil || yaml.Unmarshal(b, &after) != nil {
		return []string{"the content"}
	}
	fields := compare("", before, after)
	if len(fields) > maxDifferences {
		fields = append(fields[:maxDifferences], fmt.Sprintf("and %d more", len(fields)-maxDifferences))
	}
	return fields
}

func compare(path string, a, b any) []string {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	before, isMap := asMap(a)
	after, isMapToo := asMap(b)
	if !isMap || !isMapToo {
		return []string{path}
	}
	var fields []string
	for _, key := range keys(before, after) {
		fields = append(fields, compare(join(path, key), before[key], after[key])...)
	}
	return fields
}

// asMap returns a mapping as it is, and a list of named items as a mapping by "[name]".
func asMap(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		named := map[string]any{}
		for _, item := range v {
			fields, _ := item.(map[string]any)
			name, ok := fields["name"].(string)
			if !ok {
				return nil, false
			}
			named["["+name+"]"] = item
		}
		return named, true
	}
	return nil, false
}

func keys(a, b map[string]any) []string {
	var all []string
	for key := range a {
		all = append(all, key)
	}
	for key := range b {
		if _, known := a[key]; !known {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

func join(path, key string) string {
	if path == "" || key[0] == '[' {
		return path + key
	}
	return path + "." + key
}
