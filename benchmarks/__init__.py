"""What anybody can measure here."""
