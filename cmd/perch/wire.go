package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"

	"github.com/perch-gitops/perch/cmd/perch/internal/config"
	"github.com/perch-gitops/perch/gitsrc"
	"github.com/perch-gitops/perch/sync/agent"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
	"github.com/perch-gitops/perch/sync/rollout"
)

// load reads the configuration; what is wrong with it is the user's to mend.
func (o *options) load() (config.AgentConfiguration, error) {
	c, err := config.Load(o.config)
	return c, exit(exitUsage, err)
}

// logger writes text to a terminal and JSON to anything else.
func (o *options) logger(out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetFormatter(&logrus.JSONFormatter{})
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	}
	if o.verbose {
		log.SetLevel(logrus.DebugLevel)
	}
	return log
}

// assemble wires the agent for this node. The returned function gives everything back.
func assemble(c config.AgentConfiguration, log logrus.FieldLogger) (*agent.Agent, func() error, error) {
	source, err := newSource(c, filepath.Join(c.State.Dir, "git"))
	if err != nil {
		return nil, nil, exit(exitUsage, err)
	}
	store, err := history.Open(c.State.Dir)
	if err != nil {
		return nil, nil, failed(err)
	}
	r := &rollout.Rollout{Dir: manifestdir.New(c.Kubelet.StaticPodPath), History: store, Log: log}
	closeHealth, err := wireHealth(c, r)
	if err != nil {
		return nil, nil, failed(errors.Join(err, store.Close()))
	}
	a := &agent.Agent{Node: c.NodeIdentity(), Source: source, Rollout: r, History: store, Log: log}
	return a, func() error { return errors.Join(closeHealth(), store.Close()) }, nil
}

func newSource(c config.AgentConfiguration, cache string) (*gitsrc.Source, error) {
	return gitsrc.New(gitsrc.Config{URL: c.Source.URL, Ref: c.Source.Ref, Dir: cache, Timeout: c.Source.Timeout.Duration})
}

// wireHealth gives a rollout its judge; with health.mode none everything is well at once.
func wireHealth(c config.AgentConfiguration, r *rollout.Rollout) (func() error, error) {
	if c.Health.Mode == config.HealthNone {
		r.Answers = func(context.Context) error { return nil }
		r.Probe = func(context.Context, health.Want) error { return nil }
		return func() error { return nil }, nil
	}
	node, err := health.New(health.Config{
		NodeName:  c.Node.Name,
		Healthz:   c.Kubelet.Healthz,
		PodsAPI:   filepath.Join(c.Kubelet.RootDir, "pods-api", "pods-api.sock"),
		CRI:       c.Runtime.Endpoint,
		APIServer: c.Health.APIServer,
		Deadline:  c.Health.Deadline.Duration,
		Soak:      c.Health.Soak.Duration,
		FileCheck: c.FileCheckFrequency(),
	})
	if err != nil {
		return nil, err
	}
	r.Answers, r.Probe, r.Ending = node.Answers, node.Wait, node.Ending
	return node.Close, nil
}
