package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// readFlags reads the kubelet's flags out of environment files, as kubeadm and its packages write them:
//
//	KUBELET_KUBEADM_ARGS="--hostname-override=cp-1 --root-dir=/data/kubelet"
//
// A later file wins over an earlier one; a file that is not there has no flags.
func readFlags(paths []string) (map[string]string, error) {
	flags := map[string]string{}
	var failed []error
	for _, path := range paths {
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			failed = append(failed, fmt.Errorf("read the kubelet's flags: %w", err))
		default:
			parseFlags(string(data), flags)
		}
	}
	return flags, errors.Join(failed...)
}

// parseFlags collects the words that start with "--" of each variable, "--name=value" and "--name value" alike.
func parseFlags(text string, flags map[string]string) {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		_, value, found := strings.Cut(line, "=")
		if !found {
			continue
		}
		words := strings.Fields(strings.Trim(strings.TrimSpace(value), `"'`))
		for i, word := range words {
			name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if !strings.HasPrefix(word, "-") {
				continue
			}
			if !hasValue && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
				value = words[i+1]
			}
			flags[name] = strings.Trim(value, `"'`)
		}
	}
}
