"""What both sources of X need before they read: the account, the prices, and what was kept."""

import time

from config.settings import Settings
from producer.sources import Memory, State
from producer.sources.x import kept as x_kept
from producer.sources.x.kept import Kept, Remembered
from producer.sources.x.purse import Prices, Purse
from producer.sources.x.wire import Account


def account(chosen: Settings, patient: bool = True) -> Account:
    """The account of the settings' token. Raises what `Account` raises."""
    return Account(chosen.x_bearer_token, chosen.x_base_url, time.sleep, patient=patient)


def prices(chosen: Settings) -> Prices:
    """X's prices, as the settings have them."""
    return Prices(chosen.x_usd_a_post, chosen.x_usd_a_user, chosen.x_usd_a_count)


def purse(chosen: Settings, state: State, kept: Kept, account: Account) -> Purse:
    """What this run may spend."""
    return Purse(state, prices(chosen), chosen.max_posts, chosen.max_cost, kept, account.now)


def kept(memory: Memory) -> Kept:
    """What earlier runs kept, ready to be written on."""
    return Kept(memory.folder, memory.question, memory.position)


def remembered(memory: Memory) -> Remembered:
    """What earlier runs with this question kept, only to be looked at: a producer may run."""
    found = x_kept.remembered(memory.folder)
    return found if found.of == memory.question else Remembered()
