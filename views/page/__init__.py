"""The page: a server on the loopback that answers from the stores, and the page's own files."""
