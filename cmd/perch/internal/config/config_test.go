package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// load writes a configuration, and files for it to name, and loads it. FILES in it is their folder.
func loadWith(t *testing.T, content string, files map[string]string) (AgentConfiguration, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "perch.yaml")
	content = "apiVersion: perch/v1alpha1\nkind: AgentConfiguration\n" + strings.ReplaceAll(content, "FILES", dir)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	return c, dir, err
}

const kubeadmKubelet = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: /etc/kubernetes/manifests
healthzBindAddress: 127.0.0.1
healthzPort: 10248
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
aFieldOfAnotherVersion: true
`

func TestWhatTheKubeletSaysIsTakenOver(t *testing.T) {
	for _, c := range []struct {
		name, config string
		files        map[string]string
		want         func(AgentConfiguration, string) map[string]string // got by name of what is wanted
	}{
		{name: "kubeadm's node", config: "source: {url: /x}\nkubelet: {config: FILES/config.yaml, flags: [FILES/flags]}\n",
			files: map[string]string{"config.yaml": kubeadmKubelet,
				"flags": "KUBELET_KUBEADM_ARGS=\"--hostname-override=CP-1 --root-dir=/data/kubelet --pod-infra-container-image=x\"\n"},
			want: func(c AgentConfiguration, _ string) map[string]string {
				return map[string]string{"/etc/kubernetes/manifests": c.Kubelet.StaticPodPath, "http://127.0.0.1:10248/healthz": c.Kubelet.Healthz,
					"/data/kubelet": c.Kubelet.RootDir, "cp-1": c.Node.Name, "unix:///run/containerd/containerd.sock": c.Runtime.Endpoint,
					"main": c.Source.Ref, "@every 30s": c.Source.Schedule, "5m0s": c.Health.Deadline.Duration.String(), "30s": c.Health.Soak.Duration.String()}
			}},
		{name: "flags win over the file and a later file over an earlier one",
			config: "source: {url: /x}\nkubelet: {config: FILES/config.yaml, flags: [FILES/a, FILES/missing, FILES/b]}\n",
			files: map[string]string{"config.yaml": kubeadmKubelet,
				"a": "# comment\nX=\"--pod-manifest-path /from/a --healthz-port=1\"\n", "b": "KUBELET_EXTRA_ARGS='--healthz-port=2 --healthz-bind-address=0.0.0.0 --hostname-override=b'\n"},
			want: func(c AgentConfiguration, _ string) map[string]string {
				return map[string]string{"/from/a": c.Kubelet.StaticPodPath, "http://127.0.0.1:2/healthz": c.Kubelet.Healthz, "b": c.Node.Name}
			}},
		{name: "what is set here wins over both",
			config: "source: {url: /x}\nnode: {name: mine}\nruntime: {endpoint: \"unix:///r\"}\nkubelet: {config: FILES/config.yaml, flags: [FILES/flags], staticPodPath: /s, healthz: \"http://127.0.0.1:9/h\", rootDir: /r}\n",
			files:  map[string]string{"config.yaml": kubeadmKubelet, "flags": "X=\"--hostname-override=b --root-dir=/b --pod-manifest-path=/b\"\n"},
			want: func(c AgentConfiguration, _ string) map[string]string {
				return map[string]string{"mine": c.Node.Name, "unix:///r": c.Runtime.Endpoint, "/s": c.Kubelet.StaticPodPath, "http://127.0.0.1:9/h": c.Kubelet.Healthz, "/r": c.Kubelet.RootDir}
			}},
		{name: "a relative path is relative to the kubelet's file", config: "source: {url: /x}\nkubelet: {config: FILES/config.yaml}\n",
			files: map[string]string{"config.yaml": "staticPodPath: manifests\n"},
			want: func(c AgentConfiguration, dir string) map[string]string {
				return map[string]string{filepath.Join(dir, "manifests"): c.Kubelet.StaticPodPath, "http://127.0.0.1:10248/healthz": c.Kubelet.Healthz}
			}},
		{name: "no kubelet is needed where nothing is asked of it", config: "source: {url: /x}\nhealth: {mode: none}\nkubelet: {config: FILES/none, staticPodPath: /s}\n",
			want: func(c AgentConfiguration, _ string) map[string]string {
				return map[string]string{"/s": c.Kubelet.StaticPodPath}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, dir, err := loadWith(t, c.config, c.files)
			if err != nil {
				t.Fatal(err)
			}
			for want, got := range c.want(config, dir) {
				if got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestEveryMistakeIsNamedAtOnceWithItsLine(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         []string
	}{
		{"no source", "node: {name: a}\n", []string{"source.url: is missing", "kubelet.config: read the kubelet's configuration", "kubelet.staticPodPath: is set neither here"}},
		{"unknown and mis-cased fields", "source: {url: /x, urll: /y}\nHealth: {}\n", []string{"line 3: source.urll: unknown field", "line 4: Health"}},
		{"a key twice", "source: {url: /x}\nsource: {url: /y}\n", []string{"line 4: source: duplicate"}},
		{"values", "source:\n  url: /x\n  schedule: nonsense\n  timeout: -1s\nhealth: {mode: some, deadline: -1s, apiServer: here}\nruntime: {endpoint: /r}\nstate: {dir: relative}\nnode: {labels: {\"bad key!\": x}}\n",
			[]string{"line 5: source.schedule", "line 6: source.timeout: is -1s", "line 7: health.mode", "line 7: health.deadline", "line 7: health.apiServer", "line 8: runtime.endpoint", "line 9: state.dir", "line 10: node"}},
		{"wrong types", "source: {url: [1]}\nhealth: {soak: soon}\n", []string{"line 3: source.url", "line 4: health.soak"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, dir, err := loadWith(t, c.config, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in\n%v", want, err)
				}
			}
			if !strings.Contains(err.Error(), filepath.Join(dir, "perch.yaml")) {
				t.Errorf("the file is not named: %v", err)
			}
		})
	}
}

// The sample that the packages ship says what is so: every setting in a comment exists and has the default it names.
func TestTheSampleIsTrue(t *testing.T) {
	data, err := os.ReadFile("../../../../packaging/perch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^( *)# ( *[a-zA-Z]+:)`).ReplaceAll(data, []byte("$1$2"))
	var short, long AgentConfiguration
	if err := strictyaml.Decode(data, &short); err != nil {
		t.Error(err)
	}
	if err := strictyaml.Decode(all, &long); err != nil {
		t.Fatalf("%v in\n%s", err, all)
	}
	short.setDefaults()
	named := long
	named.Kubelet.StaticPodPath, named.Kubelet.Healthz, named.Kubelet.RootDir, named.Runtime.Endpoint, named.Health.APIServer = "", "", "", "", ""
	if !reflect.DeepEqual(short, named) {
		t.Errorf("the defaults are\n%+v, the sample names\n%+v", short, named)
	}
	if long.Kubelet.RootDir == "" || long.Health.APIServer == "" || long.State.Dir == "" || len(long.Kubelet.Flags) != 3 {
		t.Errorf("not all settings were found in the comments: %+v", long)
	}
}

func TestASchedule(t *testing.T) {
	for schedule, ok := range map[string]bool{"@every 30s": true, "*/5 * * * *": true, "CRON_TZ=UTC 0 3 * * *": true,
		"TZ=0": false, "0 0 30 2 *": false, "": false, "@every -1s": true} {
		_, err := AgentConfiguration{Source: Source{Schedule: schedule}}.Schedule()
		if (err == nil) != ok {
			t.Errorf("%q: %v", schedule, err)
		}
	}
}
