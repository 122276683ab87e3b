package agent

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"
)

// Run syncs at once, then whenever the schedule says so or somebody asks, until the context ends. Errors are logged and
// recorded; none of them ends it.
func (a *Agent) Run(ctx context.Context, schedule cron.Schedule, asked <-chan struct{}) {
	for {
		a.Sync(ctx) //nolint:errcheck // it has reported its error
		timer := time.NewTimer(time.Until(schedule.Next(time.Now())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-asked:
			timer.Stop()
			a.Log.Info("syncing now, as asked")
		case <-timer.C:
		}
	}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
