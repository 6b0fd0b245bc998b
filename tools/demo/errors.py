"""What ends the demo early, in words."""


class DemoError(Exception):
    """A step failed; the message says which, why, and what to do."""
