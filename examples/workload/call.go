package main

import (
	"bufio"
	"context"
	"os"
	"strings"
	"sync"
	"time"
)

// call calls all targets side by side and prints an array of results in their order. With --stdin it does so for each
// line of targets that it reads.
func call(ctx context.Context, arguments []string) error {
	flags := newFlags("call")
	timeout := flags.Duration("timeout", time.Second, "")
	tries := flags.Int("tries", 1, "")
	fromStdin := flags.Bool("stdin", false, "")
	flags.Parse(arguments)
	if !*fromStdin {
		return callAll(ctx, flags.Args(), *timeout, *tries)
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil
		}
		if err := callAll(ctx, strings.Fields(line), *timeout, *tries); err != nil {
			return err
		}
	}
}

func callAll(ctx context.Context, texts []string, timeout time.Duration, tries int) error {
	targets, err := parseTargets(texts)
	if err != nil {
		return err
	}
	results := make([]result, len(targets))
	var calls sync.WaitGroup
	for i, t := range targets {
		calls.Go(func() { results[i] = t.call(ctx, timeout, tries) })
	}
	calls.Wait()
	return printJSON(results)
}
