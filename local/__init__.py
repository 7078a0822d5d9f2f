"""This machine's machinery: services, jars, the JDK, the supervisor, and stub servers for X and
Bluesky."""
