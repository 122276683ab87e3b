package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/agent"
)

// rendered is what render prints.
type rendered struct {
	Node      string             `json:"node"`
	Digest    string             `json:"digest"`
	Manifests []renderedManifest `json:"manifests"`
}

type renderedManifest struct {
	File    string         `json:"file"`
	Pod     string         `json:"pod"`
	Overlay string         `json:"overlay"`
	Digest  string         `json:"digest"`
	Wave    int            `json:"wave"`
	Content map[string]any `json:"content"`
}

func newRender(o *options) *cobra.Command {
	var node nodeselect.Node
	cmd := withOutput(o, &cobra.Command{
		Use:   "render DIR",
		Short: "Print the manifests that a fleet repository means for a node",
		Long: `render reads the fleet repository in a folder, selects the overlays for a node, renders and checks them, and prints
the result. It needs no configuration and no node: run it before you push.`,
		Example: `  perch render examples/fleet --node cp-1 --label node-role.kubernetes.io/control-plane=

  # Which files would a node get?
  perch render . --node edge-7 -o json | jq -r '.manifests[].file'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := node.Validate(); err != nil {
				return exit(exitUsage, err)
			}
			tree, err := os.OpenRoot(args[0])
			if err != nil {
				return failed(err)
			}
			defer tree.Close() //nolint:errcheck // opened for reading: nothing is lost
			manifests, err := agent.Manifests(cmd.Context(), tree.FS(), node)
			if err != nil {
				return failed(err)
			}
			r, err := newRendered(node.Name, manifests)
			if err != nil {
				return failed(err)
			}
			return failed(o.print(cmd.OutOrStdout(), r, func(out io.Writer) error { return writeManifests(out, manifests) }))
		},
	})
	cmd.Flags().StringVar(&node.Name, "node", "", "the node's `name` (required)")
	cmd.Flags().StringToStringVarP(&node.Labels, "label", "l", nil, "one of the node's labels, as `key=value`; may be repeated")
	cmd.MarkFlagRequired("node") //nolint:errcheck // the flag is defined one line above
	return cmd
}

func newRendered(node string, manifests render.Manifests) (rendered, error) {
	r := rendered{Node: node, Digest: manifests.Digest(), Manifests: []renderedManifest{}}
	for _, m := range manifests {
		var content map[string]any
		if err := yaml.Unmarshal(m.Content(), &content); err != nil {
			return r, fmt.Errorf("decode manifest %s: %w", m.File, err)
		}
		r.Manifests = append(r.Manifests, renderedManifest{m.File, m.String(), m.Overlay, m.Digest, m.Wave(), content})
	}
	return r, nil
}

// writeManifests prints a stream of YAML documents, each headed by the file that it becomes.
func writeManifests(out io.Writer, manifests render.Manifests) error {
	w := &errWriter{out: out}
	for _, m := range manifests {
		w.printf("---\n# %s\n%s", m.File, m.Data)
	}
	return w.err
}
