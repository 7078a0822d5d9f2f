"""The output on HDFS: who owns it, what it covers, and the commit that makes a batch visible."""
