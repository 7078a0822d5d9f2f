"""The same work in other tools' hands, one small program each; each says `bench: rows N` when so
many more are on HDFS."""
