package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// APICreate creates an object in the API server as a cluster administrator. The path is that of its collection.
func (n *Node) APICreate(ctx context.Context, path string, object any) error {
	certificate, err := adminCertificate(n.Kubeconfig)
	if err != nil {
		return err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.APIServerURL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := oneShot([]tls.Certificate{certificate}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		said, _ := io.ReadAll(response.Body)
		return fmt.Errorf("create %s: %s: %s", path, response.Status, said)
	}
	return nil
}
