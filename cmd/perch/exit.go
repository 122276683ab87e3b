package main

import "github.com/perch-gitops/perch/sync/rollout"

// The exit codes. Scripts decide by them, so they never change.
const (
	exitOK         = 0
	exitFailed     = 1 // the node is unchanged, or what is under way goes on with the next sync
	exitUsage      = 2 // or bad configuration
	exitRolledBack = 3
	exitRefused    = 4
	exitDegraded   = 5
	exitChanges    = 6 // plan only
)

// exitError ends the program with a code. A nil err has been told to the person already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func failed(err error) error { return exit(exitFailed, err) }

// exit keeps a nil error nil: nothing went wrong.
func exit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

// exitCode is what an outcome means to a script.
func exitCode(outcome rollout.Outcome) int {
	switch outcome {
	case rollout.Unchanged, rollout.Confirmed:
		return exitOK
	case rollout.RolledBack:
		return exitRolledBack
	case rollout.Refused:
		return exitRefused
	case rollout.Degraded:
		return exitDegraded
	default:
		return exitFailed
	}
}
