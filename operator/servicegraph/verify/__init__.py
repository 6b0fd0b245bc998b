"""What policies allow, decided from manifests alone: one question at a time, or all of them as sets.

It knows the API's semantics and nothing of the compiler, which it is there to check.
"""
