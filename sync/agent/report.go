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
	switch {
	case err == nil && r.last != "":
		log.Info("well again")
		r.last = ""
	case err == nil:
		log.Debug("well")
	case outcome == rollout.Degraded || outcome == rollout.RolledBack:
		log.WithError(err).Debug("not well") // the first is logged by reportDegraded, the second step by step
	case ctx.Err() != nil:
		log.Info(err) // told to stop: nothing is wrong
	case err.Error() == r.last:
		log.WithError(err).Debug("as before")
	case outcome == rollout.Refused:
		r.last = err.Error()
		log.Info(err)
	default:
		r.last = err.Error()
		log.Error(err)
	}
}

// reportDegraded logs when a node becomes degraded and when it no longer is. What ails it is worded anew by each look;
// status has the last of it.
func (a *Agent) reportDegraded(outcome rollout.Outcome, err error) {
	now := outcome == rollout.Degraded
	switch {
	case now && !a.degraded:
		a.Log.WithField("outcome", outcome).Error(err)
	case !now && a.degraded:
		a.Log.WithField("outcome", outcome).Info("no longer degraded")
	}
	a.degraded = now
}
