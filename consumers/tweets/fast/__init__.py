"""The fast way from a frame to its lines: compiled, without an object a record. What is not of the
common shape it leaves out."""
