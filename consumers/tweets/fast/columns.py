"""A record's columns. Each is a span (start, end) in the buffer; a start of -1 is null. TAGS is a
span of marks instead, and of IS_REPOST and GEO_KIND only the start says something.
"""

(
    ID,
    CREATED,
    LANG,
    AUTHOR_ID,
    AUTHOR,
    LIKES,
    REPOSTS,
    REPLIES,
    LAT,
    LON,
    GEO_KIND,
    COUNTRY,
    PLACE,
) = range(13)
(IS_REPOST, REPLY_TO, TEXT, TWEET, TAGS) = range(13, 18)
COUNT = 18
OF_POINT, OF_PLACE = 0, 1  # the start of GEO_KIND
