"""The judge: it shares no code with what it judges."""
