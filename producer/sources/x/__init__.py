"""X: the filtered stream and the recent search, their prices, gaps and limits."""
