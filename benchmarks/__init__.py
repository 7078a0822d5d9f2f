"""What can be measured here."""
