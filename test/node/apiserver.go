package node

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"sigs.k8s.io/yaml"
)

// APIGet reads an object or a list from the API server as a cluster administrator, and decodes it into the value to points at.
// A test that wants more opens Kubeconfig with client-go.
func (n *Node) APIGet(ctx context.Context, path string, to any) error {
	certificate, err := adminCertificate(n.Kubeconfig)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.APIServerURL+path, nil)
	if err != nil {
		return err
	}
	response, err := oneShot([]tls.Certificate{certificate}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(to)
}

func adminCertificate(kubeconfig string) (tls.Certificate, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return tls.Certificate{}, err
	}
	var config struct {
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return tls.Certificate{}, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	if len(config.Users) != 1 {
		return tls.Certificate{}, fmt.Errorf("read %s: %d users, want 1", kubeconfig, len(config.Users))
	}
	return tls.X509KeyPair(config.Users[0].User.Certificate, config.Users[0].User.Key)
}
