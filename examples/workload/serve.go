package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// serve answers on its ports, and calls its targets, until it is told to stop.
func serve(ctx context.Context, arguments []string) error {
	hostname, _ := os.Hostname()
	var tcp, udp []int
	var targets []target
	flags := newFlags("serve")
	name := flags.String("name", cmp.Or(os.Getenv("HOSTNAME"), hostname), "")
	flags.Func("tcp", "", into(&tcp, parsePorts))
	flags.Func("udp", "", into(&udp, parsePorts))
	flags.Func("call", "", into(&targets, func(text string) ([]target, error) { return parseTargets([]string{text}) }))
	every := flags.Duration("every", 2*time.Second, "")
	flags.Parse(arguments)

	for _, port := range tcp {
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go acceptAll(listener, *name)
	}
	for _, port := range udp {
		conn, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		go answerDatagrams(conn, *name)
	}
	for _, t := range targets {
		go callForEver(ctx, t, *every)
	}
	<-ctx.Done()
	return nil
}

func acceptAll(listener net.Listener, name string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "workload:", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go answer(conn, name)
	}
}

// answer says the name and then everything that it hears, so that a caller sees bytes go both ways.
func answer(conn net.Conn, name string) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintln(conn, name)
	io.Copy(conn, conn)
}

func answerDatagrams(conn net.PacketConn, name string) {
	buffer := make([]byte, 1500)
	reply := []byte(name + "\n")
	for {
		_, from, err := conn.ReadFrom(buffer)
		if err == nil {
			conn.WriteTo(reply, from)
		}
	}
}

// callForEver logs a line whenever the outcome is another than before.
func callForEver(ctx context.Context, t target, every time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	last := ""
	for {
		if r := t.call(ctx, time.Second, 1); r.Outcome != last && ctx.Err() == nil {
			printJSON(r)
			last = r.Outcome
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// parsePorts reads a list such as "8080,9000-9003".
func parsePorts(text string) ([]int, error) {
	var ports []int
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, lowError := strconv.ParseUint(first, 10, 16)
		high, highError := strconv.ParseUint(last, 10, 16)
		if lowError != nil || highError != nil || low == 0 || high < low {
			return nil, fmt.Errorf("%q is neither a port nor a range such as 9000-9003", part)
		}
		for port := low; port <= high; port++ {
			ports = append(ports, int(port))
		}
	}
	return ports, nil
}

// into makes a flag that may be given several times.
func into[T any](values *[]T, parse func(string) ([]T, error)) func(string) error {
	return func(text string) error {
		parsed, err := parse(text)
		*values = append(*values, parsed...)
		return err
	}
}
