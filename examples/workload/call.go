package main

import (
	"context"
	"sync"
	"time"
)

// call calls all targets side by side and prints an array of results in the order of the arguments.
func call(ctx context.Context, arguments []string) error {
	flags := newFlags("call")
	timeout := flags.Duration("timeout", time.Second, "")
	tries := flags.Int("tries", 1, "")
	flags.Parse(arguments)
	targets, err := parseTargets(flags.Args())
	if err != nil {
		return err
	}
	results := make([]result, len(targets))
	var calls sync.WaitGroup
	for i, t := range targets {
		calls.Go(func() { results[i] = t.call(ctx, *timeout, *tries) })
	}
	calls.Wait()
	return printJSON(results)
}
