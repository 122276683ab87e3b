//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says on what the figures were measured, for whoever compares them with their own.
func machine(dir, kustomize string) string {
	return fmt.Sprintf("measured on: %d × %s, Linux %s, %s, load %s\nmeasured are: %s; %s; kustomize %s\n"+
		"a figure is the median of %d rounds; a ratio is perch's over the other's, round by round, with the middle half in parentheses",
		runtime.NumCPU(), processor(), said("uname", "-r"), said("stat", "-f", "-c", "%T", dir),
		strings.Fields(text("/proc/loadavg"))[0], said(perch, "version"), said("git", "--version"), said(kustomize, "version"), *rounds)
}

func processor() string {
	for line := range strings.Lines(text("/proc/cpuinfo")) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func said(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func text(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return string(data)
}
