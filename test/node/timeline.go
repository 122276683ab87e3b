package node

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	podsapi "k8s.io/kubelet/pkg/apis/pods/v1alpha1"
)

// Timeline tells what happened when, one line an event: "+12.3s  event".
type Timeline struct {
	print func(format string, args ...any)
	begin time.Time
	mutex sync.Mutex
	ended bool
	group sync.WaitGroup
	stop  context.CancelFunc
	ctx   context.Context
}

// NewTimeline starts a timeline at 0 s. The print function is t.Logf, or one that writes to a file or the terminal. What the
// timeline follows, it follows until ctx is done or Close.
func NewTimeline(ctx context.Context, print func(format string, args ...any)) *Timeline {
	tl := &Timeline{print: print, begin: time.Now()}
	tl.ctx, tl.stop = context.WithCancel(ctx)
	return tl
}

// Add prints an event that happens now.
func (tl *Timeline) Add(format string, args ...any) {
	tl.mutex.Lock()
	defer tl.mutex.Unlock()
	if !tl.ended {
		tl.print("%+7.2fs  %s", time.Since(tl.begin).Seconds(), fmt.Sprintf(format, args...))
	}
}

// Restart makes now 0 s.
func (tl *Timeline) Restart() {
	tl.mutex.Lock()
	defer tl.mutex.Unlock()
	tl.begin = time.Now()
}

// Elapsed is the time since 0 s.
func (tl *Timeline) Elapsed() time.Duration {
	tl.mutex.Lock()
	defer tl.mutex.Unlock()
	return time.Since(tl.begin)
}

// Close ends all following, and waits for it.
func (tl *Timeline) Close() {
	tl.mutex.Lock()
	tl.ended = true
	tl.mutex.Unlock()
	tl.stop()
	tl.group.Wait()
}

// FollowPods prints what the kubelet's Pods API tells, and how its answers change while it does not.
func (tl *Timeline) FollowPods(n *Node) {
	tl.group.Go(func() {
		lastError := ""
		for tl.ctx.Err() == nil {
			err := n.WatchPods(tl.ctx, func(e PodEvent) {
				lastError = ""
				tl.Add("pods api: %s", describe(e))
			})
			if err.Error() != lastError {
				lastError = err.Error()
				tl.Add("pods api: %s", lastError)
			}
			wait(tl.ctx, 100*time.Millisecond)
		}
	})
}

// FollowProbe prints when a probe begins or ceases to fail.
func (tl *Timeline) FollowProbe(name string, probe func(context.Context) error) {
	tl.group.Go(func() {
		state := ""
		for tl.ctx.Err() == nil {
			now := "ok"
			if err := probe(tl.ctx); err != nil {
				now = "fails: " + err.Error()
			}
			if first, _, _ := strings.Cut(now, ":"); first != state {
				state = first
				tl.Add("%s %s", name, now)
			}
			wait(tl.ctx, 100*time.Millisecond)
		}
	})
}

// FollowSandboxes prints when the set of sandboxes or their states change.
func (tl *Timeline) FollowSandboxes(n *Node) {
	tl.group.Go(func() {
		seen := map[string]string{}
		for tl.ctx.Err() == nil {
			sandboxes, err := n.Sandboxes(tl.ctx)
			now := map[string]string{}
			for _, s := range sandboxes {
				now[s.Id] = fmt.Sprintf("%s uid=%.8s %s digest=%s attempt=%s", s.Metadata.Name, s.Metadata.Uid, s.State,
					s.Annotations["perch/digest"], s.Annotations["perch/attempt"])
				if seen[s.Id] != now[s.Id] {
					tl.Add("sandbox %.8s: %s", s.Id, now[s.Id])
				}
			}
			for id, was := range seen {
				if err == nil && now[id] == "" {
					tl.Add("sandbox %.8s: gone (was %s)", id, was)
				}
			}
			if err == nil {
				seen = now
			}
			wait(tl.ctx, 100*time.Millisecond)
		}
	})
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func describe(e PodEvent) string {
	if e.Type == podsapi.EventType_INITIAL_SYNC_COMPLETE {
		return e.Type.String()
	}
	return fmt.Sprintf("%-8s %s", e.Type, Describe(&e.Pod))
}

// Describe says in one line who a Pod is and how it is.
func Describe(pod *corev1.Pod) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s uid=%.8s digest=%s attempt=%s phase=%s ready=%t", pod.Name, pod.UID,
		pod.Annotations["perch/digest"], pod.Annotations["perch/attempt"], pod.Status.Phase, Ready(pod))
	if pod.Status.Reason != "" {
		fmt.Fprintf(&b, " reason=%s", pod.Status.Reason)
	}
	for _, c := range pod.Status.ContainerStatuses {
		fmt.Fprintf(&b, " [%s restarts=%d %s]", c.Name, c.RestartCount, describeState(c.State))
	}
	return b.String()
}

func describeState(s corev1.ContainerState) string {
	switch {
	case s.Running != nil:
		return "running"
	case s.Terminated != nil:
		return fmt.Sprintf("terminated %s exit=%d", s.Terminated.Reason, s.Terminated.ExitCode)
	case s.Waiting != nil:
		return "waiting " + s.Waiting.Reason
	}
	return "no state"
}
