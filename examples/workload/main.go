// Workload stands in for the programs of an application: it listens on ports, answers with its name,
// and calls others, so that what a network lets through can be seen from outside.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Usage:
  workload serve [--name NAME] [--tcp PORTS] [--udp PORTS] [--call TARGET]... [--every 2s]
  workload call  [--timeout 1s] [--tries 1] TARGET... | --stdin
  workload load  [--rate 20] [--for 60s] [--timeout 5s] [--stdin] TARGET...

PORTS   8080,9000-9003
TARGET  tcp://HOST:PORT, udp://HOST:PORT,
        connect://HOST:PORT for the TCP handshake alone, dns://NAME for the lookup alone
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	commands := map[string]func(context.Context, []string) error{"serve": serve, "call": call, "load": load}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(1)
	}
}

func newFlags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	return flags
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
