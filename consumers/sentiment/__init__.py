"""VADER sentiment of many texts at once, equal to the vaderSentiment package score for score. This
folder works alone.

`score` takes strings, `columns` a buffer of texts, `polarity_scores` one text as the package does;
`prepare` compiles beforehand.
"""

from consumers.sentiment.vader import (
    NAME,
    Sentiment,
    columns,
    label,
    polarity_scores,
    prepare,
    score,
)

__all__ = ["NAME", "Sentiment", "columns", "label", "polarity_scores", "prepare", "score"]
