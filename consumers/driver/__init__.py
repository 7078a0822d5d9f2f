"""The driver's side of a job: opening it, running it, its checkpoint, and the function for each
batch."""
