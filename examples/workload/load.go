package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	slowMillis    = 1000
	failuresShown = 20
)

type failure struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
}

// summary of the calls to one target; their times are the times they began.
type summary struct {
	Target        string         `json:"target"`
	Calls         int            `json:"calls"`
	Answered      int            `json:"answered"`
	Failed        int            `json:"failed"`
	Slow          int            `json:"slow"`
	SlowestMillis int64          `json:"slowest_ms"`
	Outcomes      map[string]int `json:"outcomes"`
	FirstAnswer   *time.Time     `json:"first_answer"`
	LastAnswer    *time.Time     `json:"last_answer"`
	FirstFailures []failure      `json:"first_failures"`
}

// load calls each target at a steady rate, never waiting for an answer before the next call, and prints an array of
// summaries when its time is over or it is told to stop. Calls under way by then are waited for and counted.
func load(ctx context.Context, arguments []string) error {
	flags := newFlags("load")
	rate := flags.Float64("rate", 20, "")
	duration := flags.Duration("for", time.Minute, "")
	timeout := flags.Duration("timeout", 5*time.Second, "")
	untilStdinCloses := flags.Bool("stdin", false, "")
	flags.Parse(arguments)
	targets, err := parseTargets(flags.Args())
	if err != nil {
		return err
	}
	if *rate <= 0 {
		return fmt.Errorf("--rate %v: a number of calls a second, above 0", *rate)
	}
	ctx, cancel := context.WithTimeout(ctx, *duration)
	defer cancel()
	if *untilStdinCloses {
		fmt.Fprintln(os.Stderr, "calling")
		go func() {
			io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	interval := time.Duration(float64(time.Second) / *rate)
	summaries := make([]*summary, len(targets))
	var loads sync.WaitGroup
	for i, t := range targets {
		summaries[i] = &summary{Target: t.text, Outcomes: map[string]int{}, FirstFailures: []failure{}}
		loads.Go(func() { loadTarget(ctx, t, interval, *timeout, summaries[i]) })
	}
	loads.Wait()
	return printJSON(summaries)
}

func loadTarget(ctx context.Context, t target, interval, timeout time.Duration, s *summary) {
	tries := 1
	if t.scheme == "udp" {
		tries = 3
	}
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	var mutex sync.Mutex
	for {
		begin := time.Now()
		calls.Go(func() {
			r := t.call(context.WithoutCancel(ctx), timeout, tries)
			mutex.Lock()
			defer mutex.Unlock()
			s.add(begin, r)
		})
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (s *summary) add(begin time.Time, r result) {
	s.Calls++
	s.Outcomes[r.Outcome]++
	if r.Outcome != answered {
		s.Failed++
		if len(s.FirstFailures) < failuresShown {
			s.FirstFailures = append(s.FirstFailures, failure{begin, r.Outcome})
		}
		return
	}
	s.Answered++
	s.SlowestMillis = max(s.SlowestMillis, r.Millis)
	if r.Millis > slowMillis {
		s.Slow++
	}
	if s.FirstAnswer == nil || begin.Before(*s.FirstAnswer) {
		s.FirstAnswer = &begin
	}
	if s.LastAnswer == nil || begin.After(*s.LastAnswer) {
		s.LastAnswer = &begin
	}
}
