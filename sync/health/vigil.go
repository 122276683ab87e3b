package health

import (
	"errors"
	"fmt"
	"time"
)

// vigil turns a row of looks into a verdict. Time counts only while something can be seen: that a kubelet is being
// restarted, or boots slowly, is nothing that a revision can be blamed for.
type vigil struct {
	soak     time.Duration
	deadline time.Duration // of seeing the node ill
	dark     time.Duration // of seeing nothing
	relists  time.Duration // how long the kubelet may take to see a file without inotify

	last         time.Time // look
	seen, blind  time.Duration
	missingSince time.Duration // of seen; -1 while the kubelet has every Pod
	wellSince    time.Time     // zero while the node is not well
	wellLooks    int           // how many looks in a row found it well
	restarts     int32         // as they were when the soak began
}

// minLooks is how many looks in a row have to find the node well, however short the soak: one answer may be luck.
const minLooks = 3

// maxDark is how long a node without a kubelet or a container runtime is waited for.
const maxDark = 10 * time.Minute

// longestGap is the most that the time between two looks counts: a machine that was suspended has seen nothing.
const longestGap = 30 * time.Second

func newVigil(config Config, want Want, now time.Time) *vigil {
	v := &vigil{soak: config.Soak, deadline: config.Deadline + want.Ending, dark: maxDark, missingSince: -1, last: now}
	if want.Patience > 0 {
		v.deadline, v.dark = want.Patience+want.Ending, want.Patience+want.Ending
	}
	v.relists = min(2*config.FileCheck+5*time.Second, v.deadline)
	return v
}

// judge takes one look and returns whether the verdict is in, and what it is.
func (v *vigil) judge(restarts int32, sick error, now time.Time) (bool, error) {
	passed := min(now.Sub(v.last), longestGap)
	v.last = now
	var blind *blindError
	if errors.As(sick, &blind) {
		v.wellSince, v.wellLooks = time.Time{}, 0
		v.blind += passed
		if v.blind >= v.dark {
			return true, fmt.Errorf("nothing can be learnt about the node for %s: %w", v.dark, sick)
		}
		return false, nil
	}
	v.seen += passed
	if sick == nil && !v.wellSince.IsZero() && restarts != v.restarts {
		sick = fmt.Errorf("a container restarted within the soak (%d restarts, %d before)", restarts, v.restarts)
	}
	if sick != nil {
		v.wellSince, v.wellLooks = time.Time{}, 0
		return v.giveUp(sick)
	}
	if v.wellSince.IsZero() {
		v.wellSince, v.missingSince, v.restarts = now, -1, restarts
	}
	v.wellLooks++
	return v.wellLooks >= minLooks && now.Sub(v.wellSince) >= v.soak, nil
}

// giveUp ends the wait at the deadline, or before it when waiting cannot help.
func (v *vigil) giveUp(sick error) (bool, error) {
	var hopeless *hopelessError
	var missing *missingError
	switch {
	case !errors.As(sick, &missing):
		v.missingSince = -1
	case v.missingSince < 0:
		v.missingSince = v.seen
	}
	switch {
	case errors.As(sick, &hopeless):
		return true, &Verdict{sick.Error()}
	case v.missingSince >= 0 && v.seen-v.missingSince >= v.relists:
		return true, &Verdict{fmt.Sprintf("%v after two of the kubelet's relists (%s): it did not take the manifest; its log says why", sick, v.relists)}
	case v.seen >= v.deadline:
		return true, &Verdict{fmt.Sprintf("not well after %s: %v", v.deadline, sick)}
	default:
		return false, nil
	}
}

// hopelessError is an illness that waiting does not heal.
type hopelessError struct{ reason string }

func (e *hopelessError) Error() string { return e.reason }

// missingError is a Pod that the kubelet does not have.
type missingError struct{ reason string }

func (e *missingError) Error() string { return e.reason }

// blindError is that a witness does not answer, which says nothing about the Pods.
type blindError struct{ err error }

func (e *blindError) Error() string { return e.err.Error() }

func (e *blindError) Unwrap() error { return e.err }
