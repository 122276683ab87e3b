package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// problems checks what the file alone can get wrong.
func (c AgentConfiguration) problems() strictyaml.Problems {
	var found strictyaml.Problems
	wrong := func(field, format string, args ...any) {
		found = append(found, strictyaml.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if c.APIVersion != APIVersion {
		wrong("apiVersion", "is %q, must be %q", c.APIVersion, APIVersion)
	}
	if c.Kind != Kind {
		wrong("kind", "is %q, must be %q", c.Kind, Kind)
	}
	if c.Source.URL == "" {
		wrong("source.url", "is missing: the Git repository to follow")
	}
	if _, err := c.Schedule(); err != nil {
		wrong("source.schedule", "%v", err)
	}
	if c.Health.Mode != HealthFull && c.Health.Mode != HealthNone {
		wrong("health.mode", "is %q, must be %q or %q", c.Health.Mode, HealthFull, HealthNone)
	}
	for field, duration := range map[string]time.Duration{"source.timeout": c.Source.Timeout.Duration,
		"health.deadline": c.Health.Deadline.Duration, "health.soak": c.Health.Soak.Duration} {
		if duration < 0 {
			wrong(field, "is %s, must not be negative", duration)
		}
	}
	for field, path := range map[string]string{"state.dir": c.State.Dir, "kubelet.staticPodPath": c.Kubelet.StaticPodPath,
		"kubelet.rootDir": c.Kubelet.RootDir} {
		if path != "" && !filepath.IsAbs(path) {
			wrong(field, "is %q, must be an absolute path", path)
		}
	}
	for field, address := range map[string]string{"kubelet.healthz": c.Kubelet.Healthz, "health.apiServer": c.Health.APIServer} {
		if address != "" && !isHTTP(address) {
			wrong(field, "is %q, must be a URL like https://127.0.0.1:6443", address)
		}
	}
	if c.Runtime.Endpoint != "" && !strings.HasPrefix(c.Runtime.Endpoint, "unix:///") {
		wrong("runtime.endpoint", "is %q, must be a unix socket like unix:///run/containerd/containerd.sock", c.Runtime.Endpoint)
	}
	return found
}

func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Schedule is when to look at Git. It turns the parser's panic, on a time zone of "0", into an error, and refuses a
// schedule that never comes, such as 30 February.
func (c AgentConfiguration) Schedule() (schedule cron.Schedule, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("is %q, which is no schedule; write one like \"@every 30s\" or \"*/5 * * * *\"", c.Source.Schedule)
		}
	}()
	schedule, err = cron.ParseStandard(c.Source.Schedule)
	if err != nil {
		return nil, fmt.Errorf("is %q, which is no schedule: %w; write one like \"@every 30s\" or \"*/5 * * * *\"", c.Source.Schedule, err)
	}
	if schedule.Next(time.Now()).IsZero() {
		return nil, fmt.Errorf("is %q, a time that never comes", c.Source.Schedule)
	}
	return schedule, nil
}

// unresolved names what neither the file nor the kubelet's files say.
func (c AgentConfiguration) unresolved() strictyaml.Problems {
	var found strictyaml.Problems
	missing := func(field, message string) {
		found = append(found, strictyaml.Problem{Field: field, Message: message})
	}
	if c.Kubelet.StaticPodPath == "" {
		missing("kubelet.staticPodPath", fmt.Sprintf("is set neither here nor in %s: this kubelet runs no static Pods", c.Kubelet.Config))
	}
	if err := c.NodeIdentity().Validate(); err != nil {
		missing("node", err.Error())
	}
	return found
}
