"""What developing ServiceGraph takes beside the package itself; never shipped in the wheel."""
