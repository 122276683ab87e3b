package health

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// askTimeout bounds one question to something on this machine.
const askTimeout = 5 * time.Second

// kubeletHealthz proves that the kubelet's process answers, and no more than that (kubelet-side it is a plain ping).
func (n *Node) kubeletHealthz(ctx context.Context) error {
	status, body, err := get(ctx, local, n.config.Healthz)
	if err != nil {
		return &blindError{fmt.Errorf("the kubelet does not answer: %w", err)}
	}
	if status != http.StatusOK {
		return &blindError{fmt.Errorf("the kubelet is not healthy: %s says %d %s", n.config.Healthz, status, body)}
	}
	return nil
}

// get returns the status and the beginning of the body.
func get(ctx context.Context, client *http.Client, url string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close() //nolint:errcheck // read as far as we want it
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	return response.StatusCode, string(body), err
}
