// Package config reads the agent's configuration, and what it leaves to the kubelet's own.
package config

import (
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/perch-gitops/perch/internal/strictyaml"
	"github.com/perch-gitops/perch/nodeselect"
)

// DefaultPath is where the packages put the configuration.
const DefaultPath = "/etc/perch/perch.yaml"

// APIVersion and Kind are what a configuration must say it is.
const (
	APIVersion = "perch/v1alpha1"
	Kind       = "AgentConfiguration"
)

// AgentConfiguration is the file, as a person writes it. Everything but the source has a default.
type AgentConfiguration struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Source     Source  `json:"source"`
	Node       Node    `json:"node,omitempty"`
	Kubelet    Kubelet `json:"kubelet,omitempty"`
	Runtime    Runtime `json:"runtime,omitempty"`
	Health     Health  `json:"health,omitempty"`
	State      State   `json:"state,omitempty"`
}

// Source says what to follow.
type Source struct {
	URL      string          `json:"url"`                // https, http, ssh or a local path
	Ref      string          `json:"ref,omitempty"`      // a branch; main
	Schedule string          `json:"schedule,omitempty"` // robfig/cron: "@every 30s", "*/5 * * * *"
	Timeout  metav1.Duration `json:"timeout,omitempty"`  // of each network step; 2m
}

// Node says who this node is.
type Node struct {
	Name   string            `json:"name,omitempty"` // default: as the kubelet chooses it
	Labels map[string]string `json:"labels,omitempty"`
}

// Kubelet says where the kubelet's own settings are. Each one read from there can be set here instead.
type Kubelet struct {
	Config        string   `json:"config,omitempty"`        // /var/lib/kubelet/config.yaml
	Flags         []string `json:"flags,omitempty"`         // environment files with the kubelet's flags; kubeadm's three
	StaticPodPath string   `json:"staticPodPath,omitempty"` // default: the kubelet's
	Healthz       string   `json:"healthz,omitempty"`       // a URL; default: the kubelet's
	RootDir       string   `json:"rootDir,omitempty"`       // default: the kubelet's, /var/lib/kubelet
}

// Runtime says where the container runtime listens.
type Runtime struct {
	Endpoint string `json:"endpoint,omitempty"` // default: the kubelet's, unix:///run/containerd/containerd.sock
}

// Health says how a revision is judged.
type Health struct {
	Mode      string          `json:"mode,omitempty"`      // full or none
	Deadline  metav1.Duration `json:"deadline,omitempty"`  // for a Pod to get well; 5m
	Soak      metav1.Duration `json:"soak,omitempty"`      // for it to stay well; 30s
	APIServer string          `json:"apiServer,omitempty"` // URL; default: the one among this node's Pods
}

// State says where the agent remembers.
type State struct {
	Dir string `json:"dir,omitempty"` // /var/lib/perch
}

// The values of health.mode.
const (
	HealthFull = "full"
	HealthNone = "none"
)

// Load reads the file, fills in what it leaves out, from the kubelet's files where they say it, and checks the result.
// The error names everything that is wrong, each with its line and field.
func Load(path string) (AgentConfiguration, error) {
	c, err := load(path)
	if errors.Is(err, os.ErrNotExist) && c.Source.URL == "" {
		return c, fmt.Errorf("read configuration: %w; write one, or name another with --config", err)
	}
	return c, err
}

func load(path string) (AgentConfiguration, error) {
	var c AgentConfiguration
	data, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := strictyaml.Decode(data, &c); err != nil {
		return c, inFile(path, err)
	}
	c.setDefaults()
	problems := c.problems()
	problems = append(problems, c.fromKubelet()...)
	problems = append(problems, c.unresolved()...)
	for i := range problems {
		problems[i].Line = strictyaml.Line(data, problems[i].Field)
	}
	return c, inFile(path, problems.Err())
}

func inFile(path string, err error) error {
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		return strictyaml.FileProblems{File: path, Problems: problems}
	}
	return err
}

func (c *AgentConfiguration) setDefaults() {
	setDefault(&c.Source.Ref, "main")
	setDefault(&c.Source.Schedule, "@every 30s")
	setDefault(&c.Kubelet.Config, "/var/lib/kubelet/config.yaml")
	setDefault(&c.Health.Mode, HealthFull)
	setDefault(&c.Health.Deadline.Duration, 5*time.Minute)
	setDefault(&c.Health.Soak.Duration, 30*time.Second)
	setDefault(&c.Source.Timeout.Duration, 2*time.Minute)
	setDefault(&c.State.Dir, "/var/lib/perch")
	if c.Kubelet.Flags == nil { // as kubeadm's systemd drop-in reads them; the last one wins
		c.Kubelet.Flags = []string{"/var/lib/kubelet/kubeadm-flags.env", "/etc/default/kubelet", "/etc/sysconfig/kubelet"}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// NodeIdentity is the node as overlays are selected for it.
func (c AgentConfiguration) NodeIdentity() nodeselect.Node {
	return nodeselect.Node{Name: c.Node.Name, Labels: c.Node.Labels}
}
