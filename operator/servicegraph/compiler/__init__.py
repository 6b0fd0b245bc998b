"""From graphs and a cluster to policies: one stage a file, pure.

parse -> graph -> resolve -> synthesize -> normalize -> emit. `incremental` keeps the results of every stage and
recomputes what a change can reach; `compile` is the same on everything at once.
"""
