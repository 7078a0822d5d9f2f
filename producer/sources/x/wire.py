"""What all of X's endpoints share: the account, the requested fields, the meaning of refusals, and
retries."""

import logging
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import tweepy  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter

from config.errors import (
    ConfigError,
    CredentialsError,
    PipelineError,
    QuotaExceeded,
    ServiceUnreachable,
)
from producer.sources import State

TWEEPYS_HOST = "https://api.twitter.com"  # fixed inside tweepy; X's own documents say api.x.com
REST_TIMEOUT_S = 30.0
SILENCE_S = 21.0  # X sends an empty line every 20 s
# 1 s, doubling; that many tries until X has answered once, then without end
REST_TRIES, REST_PAUSE_MOST_S = 4, 320.0
RATE_LIMIT_PAUSE_S = 60.0  # X's rule where a 429 does not say until when
# the longest pause before X is asked again, by limit
LIMITS_S = {"x-rate-limit": 900.0, "x-app-limit-24hour": 3_600.0}
CLOCKS_AGREE_S = 2.0  # the Date of an answer has whole seconds
MASK = "(token)"  # what tweepy gets for a token: it logs and raises what it knows

FIELDS = {
    "tweet_fields": "created_at,lang,author_id,public_metrics,entities,geo,"
    "referenced_tweets,conversation_id,"
    "possibly_sensitive,note_tweet",
    "expansions": "author_id,geo.place_id,referenced_tweets.id",
    "user_fields": "username,name,location,public_metrics",
    "place_fields": "full_name,country,country_code,place_type,geo",
}
T = TypeVar("T")
log = logging.getLogger("producer")


class Account:
    """The bearer token and where it is sent; only the way out (`_Detour`) puts it into a request.

    `pause` is how to wait, `silence_s` how long a stream may be silent (0: SILENCE_S). Without
    `patient` nothing is tried twice. Raises CredentialsError for a token, ConfigError for an
    address not to be used.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        pause: Callable[[float], None] = time.sleep,
        silence_s: float = 0.0,
        patient: bool = True,
    ) -> None:
        where, remedy = (
            "TWEETS_X_BEARER_TOKEN",
            "put TWEETS_X_BEARER_TOKEN=… (your app's bearer token) into .env, mode 600",
        )
        if not token:
            raise CredentialsError("there is no bearer token for X", where, remedy)
        if not re.fullmatch(r"[!-~]+", token):  # the HTTP library would quote it in its complaint
            raise CredentialsError(
                "the bearer token has characters that no token has", where, remedy
            )
        address = urlsplit(base_url)
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError(
                "the token would travel unencrypted", base_url, "give --x-base-url an https address"
            )
        self._token, self._base_url = token, base_url.rstrip("/")
        self.pause, self.silence_s = pause, silence_s or SILENCE_S
        self._patient, self._answered, self._ahead_s = patient, False, 0.0

    def now(self) -> float:
        """X's time, seconds since 1970: this machine's clock, corrected by the Date of X's last
        answer."""
        return time.time() + self._ahead_s

    def attach(self, session: requests.Session) -> None:
        """Send what the session addresses to X to this account's base URL and nowhere else, and let
        no request wait for ever."""
        session.mount(
            TWEEPYS_HOST, _Detour(self._base_url, self._token, self.silence_s, self._set_clock)
        )
        session.max_redirects = 0

    def _set_clock(self, response: requests.Response) -> None:
        try:
            date = parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5
        except (KeyError, ValueError, TypeError):
            return
        ahead_s = date - time.time()
        self._ahead_s = ahead_s if abs(ahead_s) > CLOCKS_AGREE_S else 0.0

    def client(self) -> tweepy.Client:
        """tweepy's client of this account; its methods return the HTTP response."""
        client = tweepy.Client(MASK, return_type=requests.Response)
        self.attach(client.session)
        return client

    def ask(self, call: Callable[[], T], doing: str, state: State) -> T:
        """What `call` returns; waits out rate limits, and tries again where X does not answer:
        without end once it has answered.

        Raises what `refusal` gives, or ServiceUnreachable when X has never answered.
        """
        tries = 0
        while True:
            try:
                answer = call()
                self._answered = True
                return answer
            except requests.TooManyRedirects as error:
                raise self.redirected(error.response, doing) from None
            except tweepy.HTTPException as error:
                refusal = self.refusal(error.response, doing)
                if refusal is not None:
                    raise refusal from None
                limited = isinstance(error, tweepy.TooManyRequests)
                pause_s = self.limited_for_s(error.response) or RATE_LIMIT_PAUSE_S
                failure, why = unreachable(error, doing), str(error.response.status_code)
            # ValueError: the answer is not what it should be
            except (requests.RequestException, ValueError) as error:
                failure, why, limited = unreachable(error, doing), type(error).__name__, False
            if not self._patient or (tries >= REST_TRIES and not self._answered):
                raise failure
            if not limited:
                pause_s = min(2.0 ** min(tries, 10), REST_PAUSE_MOST_S)
            tries += 1
            state.now = f"{doing}: {why}, again in {pause_s:.0f} s"
            log.warning("%s", state.now)
            self.pause(pause_s)

    def limited_for_s(self, response: requests.Response) -> float | None:
        """In how many seconds (at least 1) a limit that is used up ends, by X's clock; None where
        none is, or X does not say.

        X sends the reset with every answer, TooManyConnections among them, whether the limit is
        used up or not (plhery/node-twitter-api-v2 #100); an app has a limit for 24 hours too (the
        same, #495).
        """
        pauses = []
        for limit, most_s in LIMITS_S.items():
            reset = response.headers.get(f"{limit}-reset", "")
            if response.headers.get(f"{limit}-remaining") == "0" and reset.isdigit():
                pauses.append(min(max(int(reset) - self.now(), 1.0), most_s))
        return max(pauses, default=None)

    def redirected(self, response: requests.Response | None, doing: str) -> PipelineError:
        """X sends us elsewhere: only the configured host gets the token."""
        to = (
            urlsplit(response.headers.get("Location", "") if response is not None else "").hostname
            or "nowhere"
        )
        remedy = "look at proxies and login pages in between; if X has moved, set --x-base-url"
        return ConfigError(
            f"{self._base_url} redirects to {printable(to)}, which does not get the token",
            doing,
            remedy,
        )

    def refusal(self, response: requests.Response, doing: str) -> PipelineError | None:
        """Why X refuses for good, as the error to end with; None when it is worth trying again
        later (429, 5xx)."""
        status = response.status_code
        problem = problem_of(response)
        detail = printable(
            problem.get("detail") or problem.get("title") or response.reason or "no reason given"
        )
        if status == 402 or "usage-capped" in str(problem.get("type")):
            remedy = (
                "add credit or raise the spending limit in X's developer console; --max-cost "
                "bounds a run"
            )
            return QuotaExceeded(
                f"X says the quota or the credit is used up: {detail}", doing, remedy
            )
        if status == 401:
            remedy = (
                "TWEETS_X_BEARER_TOKEN must be the app's bearer token (not an API key or a "
                "user's token); make a new one"
            )
            return CredentialsError(f"X refuses the bearer token: {detail}", doing, remedy)
        if status == 403:
            remedy = (
                "reading needs credits or a plan, and an app inside a project of X's developer "
                "console; v1.1 is closed"
            )
            return CredentialsError(f"X forbids it: {detail}", doing, remedy)
        if status == 429 or status >= 500:
            return None
        if status == 409:
            return ConfigError(
                f"X has no rules for the stream: {detail}",
                doing,
                "does another program delete them?",
            )
        return ConfigError(
            f"X does not accept the request ({status}): {detail}",
            doing,
            "check --track, --rules or --query",
        )


def problem_of(response: requests.Response) -> dict[str, Any]:
    """X's problem object; empty when the answer has none."""
    try:
        problem = response.json()
    except (ValueError, requests.RequestException):
        return {}
    return problem if isinstance(problem, dict) else {}


def printable(text: Any) -> str:
    """X's words, fit for a terminal: control characters gone, at most 300 characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:300]


def unreachable(error: Exception, doing: str) -> ServiceUnreachable:
    """X did not answer; only the kind of error is told, its text is the HTTP library's."""
    if isinstance(error, tweepy.TooManyRequests):
        return ServiceUnreachable(
            "X's limit of requests is used up", doing, "try again in a quarter of an hour"
        )
    return ServiceUnreachable(
        f"X cannot be reached ({type(error).__name__})", doing, "check the network and --x-base-url"
    )


class _Detour(HTTPAdapter):
    """tweepy has a fixed address, gets no token from us and sets no time limit: all three are set
    here, on the way out."""

    def __init__(
        self,
        base_url: str,
        token: str,
        silence_s: float,
        on_answer: Callable[[requests.Response], None],
    ) -> None:
        self._base_url, self._token, self._silence_s, self._on_answer = (
            base_url,
            token,
            silence_s,
            on_answer,
        )
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        request.url = (request.url or "").replace(TWEEPYS_HOST, self._base_url, 1)
        secure = request.url.startswith("https:")  # those that tweepy chose are for its own host
        options["proxies"] = requests.utils.get_environ_proxies(request.url) if secure else {}
        options["timeout"] = self._silence_s if options.get("stream") else REST_TIMEOUT_S
        request.headers["Authorization"] = f"Bearer {self._token}"
        try:
            response = super().send(request, *args, **options)
            self._on_answer(response)
            # X may echo what it was sent; tweepy logs it
            if response.status_code != 200 or not options.get("stream"):
                response._content = response.content.replace(self._token.encode(), MASK.encode())
            return response
        finally:  # responses and exceptions carry their request about
            request.headers["Authorization"] = f"Bearer {MASK}"
