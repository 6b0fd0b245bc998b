"""`python -m tools.demo`: a graph becomes policies and stays true, told in the terminal while it happens.

Every name and number shown was read from the API server: see watch.py. The story itself is in story.py.
"""
