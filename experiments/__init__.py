"""Five minutes each that show how the two approaches differ: faults made on this machine's own
services, and a table at the end."""
