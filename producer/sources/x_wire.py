"""What the stream and the search of X have in common: the account, the fields asked for, and what a refusal means."""

import re
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from config.errors import ConfigError, CredentialsError, PipelineError, QuotaExceeded, ServiceUnreachable

X_HOST = "https://api.twitter.com"  # fixed inside tweepy
REST_TIMEOUT_S = 30.0
USD_A_POST = 0.005

FIELDS = {
    "tweet_fields": "created_at,lang,author_id,public_metrics,entities,geo,referenced_tweets,conversation_id,"
    "possibly_sensitive,note_tweet",
    "expansions": "author_id,geo.place_id",
    "user_fields": "username,name,location,public_metrics",
    "place_fields": "full_name,country,country_code,place_type,geo",
}


class Account:
    """The bearer token and where it is sent. Raises CredentialsError for a token, ConfigError for an address not to be used."""

    def __init__(self, token: str, base_url: str) -> None:
        remedy = "set TWEETS_X_BEARER_TOKEN to the bearer token of your X app"
        if not token:
            raise CredentialsError("there is no bearer token for X", "TWEETS_X_BEARER_TOKEN", remedy)
        if not re.fullmatch(r"[!-~]+", token):  # the HTTP library would quote it in its complaint
            raise CredentialsError("the bearer token has characters that no token has", "TWEETS_X_BEARER_TOKEN", remedy)
        address = urlsplit(base_url)
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError("the token would travel unencrypted", base_url, "give --x-base-url an https address")
        self.token, self._base_url = token, base_url.rstrip("/")

    def attach(self, session: requests.Session) -> None:
        """Send what the session addresses to X to this account's base URL, and let no request wait for ever."""
        session.mount(X_HOST, _Detour(self._base_url))

    def refusal(self, response: requests.Response, doing: str) -> PipelineError | None:
        """Why X refuses for good, as the error to end with; None when it is worth trying again later (429, 5xx)."""
        status = response.status_code
        detail, kind = self._problem(response)
        if status == 402 or "usage-capped" in kind:
            return QuotaExceeded(
                f"X says the quota or the credit is used up: {detail}", doing, "see the usage page of your X account"
            )
        if status == 401:
            return CredentialsError(f"X refuses the bearer token: {detail}", doing, "check TWEETS_X_BEARER_TOKEN")
        if status == 403:
            return CredentialsError(f"X forbids it: {detail}", doing, "check your X app's project and plan")
        if status == 429 or status >= 500:
            return None
        return ConfigError(f"X does not accept the request ({status}): {detail}", doing, "check --track or --query")

    def _problem(self, response: requests.Response) -> tuple[str, str]:
        """(detail, type) of X's problem object; the detail is cut, printable, and free of the token whatever X echoes."""
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        problem = problem if isinstance(problem, dict) else {}
        detail = problem.get("detail") or problem.get("title") or response.reason or "no reason given"
        return printable(detail).replace(self.token, "(token)"), str(problem.get("type", ""))


def printable(text: Any) -> str:
    """X's words, fit for a terminal: control characters gone, at most 300 characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:300]


def unreachable(error: Exception, doing: str) -> ServiceUnreachable:
    """X did not answer; only the kind of error is told, its text is the HTTP library's."""
    return ServiceUnreachable(f"X cannot be reached ({type(error).__name__})", doing, "check the network and --x-base-url")


class _Detour(HTTPAdapter):
    """tweepy has X's address built in and gives its REST calls no time limit: both are mended on the way out."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if self._base_url != X_HOST:
            request.url = (request.url or "").replace(X_HOST, self._base_url, 1)
            options["proxies"] = {}  # they were chosen for X's own host
        options["timeout"] = options.get("timeout") or REST_TIMEOUT_S
        return super().send(request, *args, **options)
