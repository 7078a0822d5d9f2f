"""The two jobs, `direct` and `receiver_based`, and their wings:
driver, output, tweets, sentiment, compiled."""
