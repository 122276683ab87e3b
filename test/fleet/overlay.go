package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/test/node"
)

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// writeOverlay writes a kustomization with a patch for each Pod of the example.
func writeOverlay(n *node.Node, example resmap.ResMap, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	kustomization := "resources:\n- ../control-plane\npatches:\n"
	adapt := adapter(n)
	for _, r := range example.Resources() {
		pod, err := r.Map()
		if err != nil {
			return err
		}
		patch, err := yaml.Marshal(adapt.walk("", pod))
		if err != nil {
			return err
		}
		file := r.GetName() + "-patch.yaml"
		if err := os.WriteFile(filepath.Join(dir, file), patch, 0o644); err != nil {
			return err
		}
		kustomization += fmt.Sprintf("- {path: %s, target: {kind: %s, name: %s}}\n", file, r.GetKind(), r.GetName())
	}
	return os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(kustomization), 0o644)
}

// rule gives the value that a field is to have on the test node; same if it may stay as it is.
type rule struct {
	path  *regexp.Regexp
	value func(old string) string
}

type rules []rule

// adapter knows all that is particular about a test node. Paths inside of containers are the example's own.
func adapter(n *node.Node) rules {
	ports := strings.NewReplacer(portPairs(n)...)
	hostPaths := strings.NewReplacer("/etc/kubernetes", n.KubeconfigDir, "/var/lib/etcd", n.EtcdDataDir)
	portInText := regexp.MustCompile(`(?:[:=])\d{4,5}\b`)
	const inContainer = `^/spec/containers/\d+`
	return rules{
		{regexp.MustCompile(`^/spec/volumes/\d+/hostPath/path$`), hostPaths.Replace},
		{regexp.MustCompile(inContainer + `/ports/\d+/(containerPort|hostPort)$`), ports.Replace},
		{regexp.MustCompile(inContainer + `/command/\d+$`), func(old string) string {
			return portInText.ReplaceAllStringFunc(old, ports.Replace)
		}},
		// Real nodes take their time; a test has none, and its machine is small.
		{regexp.MustCompile(inContainer + `/startupProbe/(initialDelaySeconds|periodSeconds)$`), constant("1")},
		{regexp.MustCompile(inContainer + `/startupProbe/failureThreshold$`), constant("240")},
		{regexp.MustCompile(inContainer + `/readinessProbe/periodSeconds$`), constant("1")},
		{regexp.MustCompile(inContainer + `/resources/requests/cpu$`), constant("10m")},
		{regexp.MustCompile(inContainer + `/resources/requests/memory$`), constant("32Mi")},
	}
}

func constant(value string) func(string) string { return func(string) string { return value } }

func portPairs(n *node.Node) []string {
	usual := node.KubeadmPorts()
	var pairs []string
	for _, p := range [][2]int{
		{usual.EtcdClient, n.EtcdClient}, {usual.EtcdPeer, n.EtcdPeer}, {usual.EtcdMetrics, n.EtcdMetrics},
		{usual.APIServer, n.APIServer}, {usual.ControllerManager, n.ControllerManager}, {usual.Scheduler, n.Scheduler},
	} {
		pairs = append(pairs, strconv.Itoa(p[0]), strconv.Itoa(p[1]))
	}
	return pairs
}

// walk returns the operations that turn value, which lies at path, into what the rules want.
func (rs rules) walk(path string, value any) []operation {
	var operations []operation
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			operations = append(operations, rs.walk(path+"/"+key, v[key])...)
		}
	case []any:
		for i, element := range v {
			operations = append(operations, rs.walk(path+"/"+strconv.Itoa(i), element)...)
		}
	default:
		old := fmt.Sprint(v)
		for _, r := range rs {
			if r.path.MatchString(path) && r.value(old) != old {
				operations = append(operations, operation{"replace", path, typed(v, r.value(old))})
			}
		}
	}
	return operations
}

// typed gives text the type that old has: a number stays a number.
func typed(old any, text string) any {
	if _, isText := old.(string); isText {
		return text
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return text
	}
	return number
}
