// The parts of Argo CD that turn a commit into objects, and the programs these call: Redis and kustomize.
// Which of them it is, the name says that it is called by.
package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	cmpserver "github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/util/askpass"
	kustomize "sigs.k8s.io/kustomize/kustomize/v5/commands"
)

var roles = map[string]func() *cobra.Command{
	"argocd-application-controller": controller.NewCommand,
	"argocd-cmp-server":             cmpserver.NewCommand,
	"argocd-repo-server":            reposerver.NewCommand,
	"kustomize":                     kustomize.NewDefaultCommand,
	"redis":                         redis,
}

const tick = 100 * time.Millisecond

// redis serves on an address with the server that Argo CD's own CLI starts for itself, and gives it a clock.
func redis() *cobra.Command {
	return &cobra.Command{
		Use:  "redis ADDRESS",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, arguments []string) error {
			server := miniredis.NewMiniRedis()
			if err := server.StartAddr(arguments[0]); err != nil {
				return err
			}
			for range time.Tick(tick) {
				server.FastForward(tick)
			}
			return nil
		},
	}
}

func main() {
	// Argo CD has one fixed path for this socket: two repo servers would take it from each other.
	askpass.SocketPath = filepath.Join(os.TempDir(), "reposerver-ask-pass.sock")
	if roles[filepath.Base(os.Args[0])]().Execute() != nil {
		os.Exit(1)
	}
}
