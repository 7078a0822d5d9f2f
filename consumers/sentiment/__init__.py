"""VADER sentiment of many texts at once: `score` is the only way in, so that what computes it can be exchanged."""

from consumers.sentiment.vader import NAME, Sentiment, score

__all__ = ["NAME", "Sentiment", "score"]
