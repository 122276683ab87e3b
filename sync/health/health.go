// Package health says why this node is not running these Pods, or nil.
//
// The verdict does not rest on the API server: it comes from the kubelet's healthz, from the kubelet's own Pods API, and
// from the sandboxes that the container runtime has. Where the node runs an API server, that has to answer as well. The
// verdict is about one content: a Pod counts only if it carries the perch/digest and perch/attempt of the manifest, so
// the Pod that ran before is never mistaken for the one that should run now.
package health

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/perch-gitops/perch/render"
)

// Want is what a node should run.
type Want struct {
	Running render.Manifests // as they are in place, with their stamps
	Gone    render.Manifests // as they were in place: no sandbox of these may be left
	Whole   bool             // these are all that the node should run: its configured API server has to be ready too

	Ending   time.Duration // how long predecessors may take to end: added to the deadline
	Patience time.Duration // how long to wait for the Pods to get well; 0: the configured deadline
}

// Verdict is Wait's error when the node could be looked at and does not run what it should. Any other error says nothing
// about the Pods.
type Verdict struct{ Reason string }

func (v *Verdict) Error() string { return v.Reason }

// Config says where a node's evidence is, and how long to wait for it.
type Config struct {
	NodeName      string        // the kubelet's; part of a static Pod's name
	Healthz       string        // the kubelet's, a URL
	PodsAPI       string        // path of the kubelet's pods-api.sock
	CRI           string        // the container runtime's endpoint, unix:///…
	APIServer     string        // URL of an API server to ask; empty: the one among the Pods, if there is one
	Deadline      time.Duration // for the Pods to get well, of observed time
	Soak          time.Duration // for the Pods to stay well, with no restart
	FileCheck     time.Duration // the kubelet's fileCheckFrequency: how often it lists the folder again
	CrashesToFail int           // crashes while we look on after which a Pod is given up; 0: three
}

// Node asks one node. Close it after use.
type Node struct {
	config Config
	pods   *grpc.ClientConn
	cri    *grpc.ClientConn
}

// New prepares the connections; nothing is asked yet, and neither socket has to exist.
func New(config Config) (*Node, error) {
	if config.CrashesToFail == 0 {
		config.CrashesToFail = 3
	}
	pods, err := dial("unix://" + config.PodsAPI)
	if err != nil {
		return nil, fmt.Errorf("kubelet Pods API: %w", err)
	}
	cri, err := dial(config.CRI)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("container runtime: %w", err), pods.Close())
	}
	return &Node{config: config, pods: pods, cri: cri}, nil
}

// Close ends the connections.
func (n *Node) Close() error { return errors.Join(n.pods.Close(), n.cri.Close()) }

// Answers returns nil if everything that a verdict needs can be asked. A change is not begun otherwise: it could be
// neither proved nor taken back with proof. ErrInitialising says that the kubelet has not reached its API server since it
// started; it starts new Pods then, but stops no old ones.
func (n *Node) Answers(ctx context.Context) error {
	if err := n.kubeletHealthz(ctx); err != nil {
		return err
	}
	if err := n.podsAPIAnswers(ctx); err != nil {
		return err
	}
	_, err := n.sandboxes(ctx)
	return err
}

// Wait returns nil once the node has run the wanted Pods, well and without a restart, for the length of the soak. It
// returns a Verdict when the deadline has passed, at once when it is something that cannot heal; another error when
// nothing could be learnt for long; and the context's error when the context ends.
func (n *Node) Wait(ctx context.Context, want Want) error {
	watch := n.watchPods(ctx)
	defer watch.stop()
	vigil := newVigil(n.config, want, time.Now())
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		restarts, sick := n.look(ctx, want, watch)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if done, err := vigil.judge(restarts, sick, time.Now()); done {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-watch.changed:
		case <-tick.C:
		}
	}
}

// lookInterval is how often evidence is gathered that nobody announces, like sandboxes; Pod changes are announced.
const lookInterval = time.Second

// look gathers all evidence once, the strongest first. It returns how often the wanted Pods' containers have restarted,
// and what is wrong.
func (n *Node) look(ctx context.Context, want Want, watch *podWatch) (int32, error) {
	if err := n.kubeletHealthz(ctx); err != nil {
		return 0, err
	}
	well, err := n.running(ctx, watch, want.Running)
	if err != nil {
		return 0, err
	}
	if err := n.onlyThese(ctx, well, want.Gone); err != nil {
		return 0, err
	}
	var restarts int32
	for _, pod := range well {
		restarts += pod.restarts
	}
	return restarts, n.apiServer(ctx, want)
}
