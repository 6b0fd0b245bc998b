"""Graphs the size of real ones, and how fast the compiler and the operator are on them. docs/benchmarks.md explains."""
