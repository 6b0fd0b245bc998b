package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// Outcomes of a call. A network policy that denies it shows as a timeout: its packets are dropped. Refused means
// that packets arrived and something answered no.
const (
	answered      = "answered"
	timedOut      = "timeout"
	refused       = "refused"
	unreachable   = "unreachable"
	noSuchName    = "no-such-name"
	lookupTimeout = "lookup-timeout"
)

// echo is what a caller sends and expects back after the callee's name.
const echo = "echo\n"

// target is what a call goes to: an address or name with a port, or a name alone (scheme dns).
type target struct {
	text, scheme, host, port string
}

func parseTarget(text string) (target, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	switch scheme {
	case "dns":
		if rest != "" {
			return target{text: text, scheme: scheme, host: rest}, nil
		}
	case "tcp", "udp", "connect":
		host, port, err := net.SplitHostPort(rest)
		if err == nil && host != "" && port != "" {
			return target{text, scheme, host, port}, nil
		}
	}
	return target{}, fmt.Errorf("target %q is none of tcp|udp|connect://HOST:PORT, dns://NAME", text)
}

func parseTargets(texts []string) ([]target, error) {
	targets := make([]target, len(texts))
	for i, text := range texts {
		var err error
		if targets[i], err = parseTarget(text); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// result tells how a call went; name is who answered, or the address that a looked-up name has.
type result struct {
	Target  string `json:"target"`
	Outcome string `json:"outcome"`
	Name    string `json:"name"`
	Millis  int64  `json:"ms"`
	Error   string `json:"error"`
}

// call tries a target until it answers, at most tries times, each within the timeout.
func (t target) call(ctx context.Context, timeout time.Duration, tries int) result {
	begin := time.Now()
	var name string
	var err error
	for range max(tries, 1) {
		name, err = t.try(ctx, timeout)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	r := result{Target: t.text, Outcome: outcome(err), Name: name, Millis: time.Since(begin).Milliseconds()}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (t target) try(ctx context.Context, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address, err := lookup(ctx, t.host)
	if err != nil || t.scheme == "dns" {
		return address, err
	}
	network := "tcp"
	if t.scheme == "udp" {
		network = "udp"
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(address, t.port))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if t.scheme == "connect" {
		return "", nil
	}
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if _, err := conn.Write([]byte(echo)); err != nil {
		return "", err
	}
	answer := bufio.NewReader(conn)
	name, err := answer.ReadString('\n')
	if err == nil && network == "tcp" {
		_, err = answer.ReadString('\n')
	}
	return strings.TrimSpace(name), err
}

// lookup turns a name into one address. It is a step of its own, so that its timeout can be told from the call's.
func lookup(ctx context.Context, host string) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return host, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	return addresses[0].Unmap().String(), nil
}

func outcome(err error) string {
	var ofName *net.DNSError
	var ofNetwork net.Error
	switch {
	case err == nil:
		return answered
	case errors.As(err, &ofName):
		switch {
		case ofName.IsNotFound:
			return noSuchName
		case ofName.IsTimeout:
			return lookupTimeout
		}
		return refused
	case errors.As(err, &ofNetwork) && ofNetwork.Timeout():
		return timedOut
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EPERM):
		return unreachable
	}
	return refused
}
