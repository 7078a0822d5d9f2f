"""The output on HDFS: its owner, what it covers, and the commit that makes a batch visible."""
