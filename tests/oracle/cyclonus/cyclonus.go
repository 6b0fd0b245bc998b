//go:build never

// Package cyclonus pins the module that the tests hold verify/ against; nothing of it is compiled here.
package cyclonus

import _ "github.com/mattfenwick/cyclonus/cmd/cyclonus"
