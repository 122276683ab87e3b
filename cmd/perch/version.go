package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker, see the Makefile.
var (
	version = "devel"
	commit  = "unknown"
)

type versionInfo struct {
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	Kubernetes string `json:"kubernetes"` // whose rules a Pod is checked by
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func newVersion(o *options) *cobra.Command {
	return withOutput(o, &cobra.Command{
		Use:     "version",
		Short:   "Show the version of perch and of the Kubernetes rules that it checks Pods by",
		Example: `  perch version -o json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionInfo{version, commit, kubernetesVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return failed(o.print(cmd.OutOrStdout(), v, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "perch %s (commit %s, Kubernetes %s, %s, %s)\n", v.Version, v.Commit, v.Kubernetes, v.Go, v.Platform)
				return err
			}))
		},
	})
}

// kubernetesVersion is the version of the module whose validation render/podcheck links in.
func kubernetesVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "k8s.io/kubernetes" {
			return module.Version
		}
	}
	return "unknown"
}
