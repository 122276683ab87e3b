package health

import (
	"errors"
	"fmt"
	"time"
)

// vigil turns a row of looks into a verdict. Time is what it has itself observed, so that a slow boot condemns nothing.
type vigil struct {
	config       Config
	started      time.Time
	missingSince time.Time // zero while the kubelet has every Pod
	wellSince    time.Time // zero while the node is not well
	wellLooks    int       // how many looks in a row found it well
	restarts     int32     // as they were when the soak began
}

// minLooks is how many looks in a row have to find the node well, however short the soak: one answer may be luck.
const minLooks = 3

// judge takes one look and returns whether the verdict is in, and what it is.
func (v *vigil) judge(restarts int32, sick error, now time.Time) (bool, error) {
	if sick == nil && !v.wellSince.IsZero() && restarts != v.restarts {
		sick = fmt.Errorf("a container restarted within the soak (%d restarts, %d before)", restarts, v.restarts)
	}
	if sick != nil {
		v.wellSince, v.wellLooks = time.Time{}, 0
		return v.giveUp(sick, now)
	}
	if v.wellSince.IsZero() {
		v.wellSince, v.missingSince, v.restarts = now, time.Time{}, restarts
	}
	v.wellLooks++
	return v.wellLooks >= minLooks && now.Sub(v.wellSince) >= v.config.Soak, nil
}

// giveUp ends the wait at the deadline, or before it when waiting cannot help.
func (v *vigil) giveUp(sick error, now time.Time) (bool, error) {
	var hopeless *hopelessError
	var missing *missingError
	switch {
	case !errors.As(sick, &missing):
		v.missingSince = time.Time{}
	case v.missingSince.IsZero():
		v.missingSince = now
	}
	switch waited := now.Sub(v.started); {
	case errors.As(sick, &hopeless):
		return true, sick
	case !v.missingSince.IsZero() && now.Sub(v.missingSince) >= v.relists():
		return true, fmt.Errorf("%w after two of the kubelet's relists (%s): it did not take the manifest; its log says why", sick, v.relists())
	case waited >= v.config.Deadline:
		return true, fmt.Errorf("not well after %s: %w", v.config.Deadline, sick)
	default:
		return false, nil
	}
}

// relists is how long the kubelet may take to see a file without inotify: two relists and a little.
func (v *vigil) relists() time.Duration {
	return min(2*v.config.FileCheck+5*time.Second, v.config.Deadline)
}

// hopelessError is an illness that waiting does not heal.
type hopelessError struct{ reason string }

func (e *hopelessError) Error() string { return e.reason }

// missingError is a Pod that the kubelet does not have.
type missingError struct{ reason string }

func (e *missingError) Error() string { return e.reason }
