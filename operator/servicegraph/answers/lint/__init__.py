"""What makes a correct policy fail on a real cluster, and what opens more than anybody meant.

Pure questions about graphs, a cluster and what they compile to: one finding or a few of a kind in a file, each a
function from a Scene to Problems. docs/problems.md explains every code.
"""
