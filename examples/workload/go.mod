module servicegraph.dev/examples/workload

go 1.26
