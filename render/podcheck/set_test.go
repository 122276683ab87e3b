package podcheck

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestSetRefusesPodsThatOneNodeCannotRunTogether(t *testing.T) {
	port := func(fields string) string { return "containers: [{name: c, ports: [{" + fields + "}]}]" }
	for name, tt := range map[string]struct {
		a, b string
		want string // what is said; empty is nothing
	}{
		"the same host port":                      {port("containerPort: 1, hostPort: 80"), port("containerPort: 2, hostPort: 80"), "Pods n/a and n/b both want host port 80/TCP"},
		"TCP is the default protocol":             {port("containerPort: 1, hostPort: 80"), port("containerPort: 2, hostPort: 80, protocol: TCP"), "80/TCP"},
		"two protocols":                           {port("containerPort: 1, hostPort: 53, protocol: TCP"), port("containerPort: 2, hostPort: 53, protocol: UDP"), ""},
		"two addresses":                           {port("containerPort: 1, hostPort: 80, hostIP: 10.0.0.1"), port("containerPort: 2, hostPort: 80, hostIP: 10.0.0.2"), ""},
		"one address and every address":           {port("containerPort: 1, hostPort: 80, hostIP: 10.0.0.1"), port("containerPort: 2, hostPort: 80"), "80/TCP"},
		"every address is also written 0.0.0.0":   {port("containerPort: 1, hostPort: 80, hostIP: 0.0.0.0"), port("containerPort: 2, hostPort: 80, hostIP: 10.0.0.1"), "10.0.0.1:80/TCP"},
		"the container ports of the host network": {"hostNetwork: true\n" + port("containerPort: 80"), port("containerPort: 2, hostPort: 80"), "80/TCP"},
		"container ports alone":                   {port("containerPort: 80"), port("containerPort: 80"), ""},
		"a sidecar's port":                        {"initContainers: [{name: s, restartPolicy: Always, ports: [{containerPort: 1, hostPort: 80}]}]", port("containerPort: 2, hostPort: 80"), "80/TCP"},
		"the port of an init that ends":           {"initContainers: [{name: s, ports: [{containerPort: 1, hostPort: 80}]}]", port("containerPort: 2, hostPort: 80"), ""},
		"the host network's sidecar":              {"hostNetwork: true\ninitContainers: [{name: s, restartPolicy: Always, ports: [{containerPort: 80}]}]", port("containerPort: 2, hostPort: 80"), "80/TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := podOf(t, "a", tt.a), podOf(t, "b", tt.b)
			before := a.DeepCopy().String()
			err := Set(a, podOf(t, "between", "{}"), b)
			var cs Clashes
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (!errors.As(err, &cs) || len(cs) != 1 || cs[0].First != 0 || cs[0].Second != 2 || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if a.String() != before {
				t.Error("Set changed a Pod")
			}
		})
	}
}

func TestSetRefusesAPodThatIsThereTwice(t *testing.T) {
	err := Set(podOf(t, "a", "{}"), podOf(t, "b", "{}"), podOf(t, "a", "{}"))
	var cs Clashes
	if !errors.As(err, &cs) || len(cs) != 1 || cs[0] != (Clash{0, 2, "Pod n/a is there twice"}) {
		t.Errorf("got %v", err)
	}
	other := podOf(t, "a", "{}")
	other.Namespace = "m"
	if err := Set(podOf(t, "a", "{}"), other); err != nil {
		t.Errorf("two namespaces: %v", err)
	}
}

func podOf(t *testing.T, name, spec string) *corev1.Pod {
	t.Helper()
	pod := new(corev1.Pod)
	if err := yaml.Unmarshal([]byte(spec), &pod.Spec); err != nil {
		t.Fatal(err)
	}
	pod.Namespace, pod.Name = "n", name
	return pod
}
