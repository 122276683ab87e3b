package agent

import (
	"context"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/sync/rollout"
)

// reporter logs how one half of a sync goes, and only what is new: the loop meets the same error at every poll.
type reporter struct {
	last string // what was logged last; empty after a success
}

func (r *reporter) report(ctx context.Context, log logrus.FieldLogger, outcome rollout.Outcome, err error) {
	log = log.WithField("outcome", outcome)
	what := string(outcome)
	if err != nil && outcome != rollout.Degraded { // what ails a degraded node is worded anew by each look; status has the last
		what = err.Error()
	}
	switch {
	case err == nil && r.last != "":
		log.Info("well again")
		r.last = ""
	case err == nil:
		log.Debug("well")
	case ctx.Err() != nil:
		log.Info(err) // told to stop: nothing is wrong
	case outcome == rollout.RolledBack:
		log.WithError(err).Debug("rolled back") // each step of it has been logged
	case what == r.last:
		log.WithError(err).Debug("as before")
	case outcome == rollout.Refused:
		r.last = what
		log.Info(err)
	default:
		r.last = what
		log.Error(err)
	}
}
