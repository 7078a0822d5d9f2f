"""Settings, errors and the files the programs are configured by."""
