package main

import (
	"bufio"
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// call calls all targets side by side and prints an array of results in their order. With --stdin it does so for each
// line that it reads: more arguments, for this time.
func call(ctx context.Context, arguments []string) error {
	asked, fromStdin := parseCalls(arguments)
	if !fromStdin {
		return asked.run(ctx)
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil
		}
		asked, _ := parseCalls(slices.Concat(arguments, strings.Fields(line)))
		if err := asked.run(ctx); err != nil {
			return err
		}
	}
}

// calls are made side by side.
type calls struct {
	targets []string
	timeout time.Duration
	tries   int
}

func parseCalls(arguments []string) (asked calls, fromStdin bool) {
	flags := newFlags("call")
	flags.DurationVar(&asked.timeout, "timeout", time.Second, "")
	flags.IntVar(&asked.tries, "tries", 1, "")
	flags.BoolVar(&fromStdin, "stdin", false, "")
	flags.Parse(arguments)
	asked.targets = flags.Args()
	return asked, fromStdin
}

func (c calls) run(ctx context.Context) error {
	targets, err := parseTargets(c.targets)
	if err != nil {
		return err
	}
	results := make([]result, len(targets))
	var group sync.WaitGroup
	for i, t := range targets {
		group.Go(func() { results[i] = t.call(ctx, c.timeout, c.tries) })
	}
	group.Wait()
	return printJSON(results)
}
