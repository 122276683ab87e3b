package node

import (
	"context"
	"fmt"
	"strings"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Sandboxes lists the Pod sandboxes of the runtime, ready or not.
func (n *Node) Sandboxes(ctx context.Context) ([]*runtimeapi.PodSandbox, error) {
	var sandboxes []*runtimeapi.PodSandbox
	err := n.cri(ctx, func(c runtimeapi.RuntimeServiceClient) error {
		answer, err := c.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{})
		sandboxes = answer.GetItems()
		return err
	})
	return sandboxes, err
}

// RemoveSandbox stops a sandbox and its containers and removes it, behind the kubelet's back.
func (n *Node) RemoveSandbox(ctx context.Context, id string) error {
	return n.cri(ctx, func(c runtimeapi.RuntimeServiceClient) error {
		if _, err := c.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: id}); err != nil {
			return err
		}
		_, err := c.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: id})
		return err
	})
}

// Containers lists the containers of the runtime, running or not.
func (n *Node) Containers(ctx context.Context) ([]*runtimeapi.Container, error) {
	var containers []*runtimeapi.Container
	err := n.cri(ctx, func(c runtimeapi.RuntimeServiceClient) error {
		answer, err := c.ListContainers(ctx, &runtimeapi.ListContainersRequest{})
		containers = answer.GetContainers()
		return err
	})
	return containers, err
}

func (n *Node) criReady(ctx context.Context) error {
	return n.cri(ctx, func(c runtimeapi.RuntimeServiceClient) error {
		answer, err := c.Status(ctx, &runtimeapi.StatusRequest{})
		if err != nil {
			return err
		}
		for _, condition := range answer.Status.Conditions {
			if condition.Type == "RuntimeReady" && !condition.Status {
				return fmt.Errorf("runtime not ready: %s", condition.Message)
			}
		}
		return nil
	})
}

func (n *Node) cri(ctx context.Context, ask func(runtimeapi.RuntimeServiceClient) error) error {
	connection, err := n.dial(strings.TrimPrefix(n.CRIEndpoint, "unix://"))
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := ask(runtimeapi.NewRuntimeServiceClient(connection)); err != nil {
		return fmt.Errorf("ask the container runtime: %w", err)
	}
	return nil
}
