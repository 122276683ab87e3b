package health

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A vigil is told what each look found, one a second; a story is written as one letter a look.
func TestTheVerdict(t *testing.T) {
	config := Config{Deadline: 20 * time.Second, Soak: 5 * time.Second, FileCheck: 4 * time.Second}
	for _, c := range []struct {
		name  string
		story string // w well, i ill, h hopeless, m missing, r well but one more restart than before
		after int    // the look with which the verdict comes, from 0; -1: none within the story
		want  string // part of the error; empty: well
	}{
		{"well from the start is well after the soak", "wwwwww", 5, ""},
		{"not before the soak is over", "wwwww", -1, ""},
		{"ill at first delays it", "iiiwwwwww", 8, ""},
		{"a relapse begins the soak anew", "wwwiwwwwww", 9, ""},
		{"a restart within the soak begins it anew", "wwwrwwwwww", 9, ""},
		{"ill until the deadline", strings.Repeat("i", 21), 20, "not well after 20s: ill"},
		{"what cannot heal ends it at once", "ih", 1, "hopeless"},
		{"a Pod that the kubelet does not take is given up after two relists", strings.Repeat("m", 14), 13, "two of the kubelet's relists (13s)"},
		{"a Pod that is missing late, after its predecessor took long, is not given up early", strings.Repeat("i", 16) + "mwwwwww", 22, ""},
		{"time in which nothing can be seen does not count", strings.Repeat("b", 100) + "iiwwwwww", 107, ""},
		{"not seeing ends a soak", "wwwbwwwwww", 9, ""},
		{"well just before the deadline may finish its soak", strings.Repeat("i", 19) + "wwwwww", 24, ""},
		{"ill after the deadline within the soak is the end", strings.Repeat("i", 19) + "wwwi", 22, "not well"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			v := newVigil(config, Want{}, start)
			restarts, verdict := int32(0), -1
			var got error
			for i, letter := range c.story {
				var sick error
				switch letter {
				case 'i':
					sick = errors.New("ill")
				case 'h':
					sick = &hopelessError{"hopeless"}
				case 'm':
					sick = &missingError{"missing"}
				case 'b':
					sick = &blindError{errors.New("no answer")}
				case 'r':
					restarts++
				}
				if done, err := v.judge(restarts, sick, start.Add(time.Duration(i)*time.Second)); done {
					verdict, got = i, err
					break
				}
			}
			if verdict != c.after || (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Error(), c.want) {
				t.Errorf("verdict with look %d: %v; want look %d: %q", verdict, got, c.after, c.want)
			}
		})
	}
}

func TestDarknessEndsWithoutAVerdict(t *testing.T) {
	start := time.Now()
	v := newVigil(Config{Deadline: time.Minute}, Want{}, start)
	dark := &blindError{errors.New("the kubelet does not answer")}
	at := start
	for ; at.Before(start.Add(maxDark - time.Second)); at = at.Add(time.Second) {
		if done, _ := v.judge(0, dark, at); done {
			t.Fatal("given up early")
		}
	}
	done, err := v.judge(0, dark, at.Add(time.Second))
	var verdict *Verdict
	if !done || err == nil || errors.As(err, &verdict) {
		t.Errorf("%v, %v: darkness must be no verdict on the Pods", done, err)
	}
}

func TestAPredecessorMayTakeItsTimeToEnd(t *testing.T) {
	start := time.Now()
	v := newVigil(Config{Deadline: time.Minute}, Want{Ending: time.Hour}, start)
	for at := start; at.Before(start.Add(50 * time.Minute)); at = at.Add(time.Second) {
		if done, err := v.judge(0, errors.New("the old Pod is ending"), at); done {
			t.Fatal(err)
		}
	}
}

func TestAMachineThatWasSuspendedHasSeenNothing(t *testing.T) {
	start := time.Now()
	v := newVigil(Config{Deadline: time.Minute}, Want{}, start)
	v.judge(0, errors.New("starting"), start) //nolint:errcheck // the first look
	if done, err := v.judge(0, errors.New("starting"), start.Add(time.Hour)); done {
		t.Error(err)
	}
}

func TestOneLuckyAnswerIsNoVerdict(t *testing.T) {
	v := newVigil(Config{Deadline: time.Minute}, Want{}, time.Now())
	for look := 1; look <= minLooks; look++ {
		if done, _ := v.judge(0, nil, time.Now()); done != (look == minLooks) {
			t.Errorf("done after %d looks: %v", look, done)
		}
	}
}
