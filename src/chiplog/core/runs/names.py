"""Ids and names for new runs. The user's random state is never touched."""

from __future__ import annotations

import os
from typing import Final

_ADJECTIVES: Final = """
    able agile alert amber apt ardent astute aware azure balmy blithe bold brave bright
    brisk calm candid casual clear clever cosmic crisp curious dapper daring deft eager
    early easy fair fancy fleet fluent fond frank fresh gentle gifted glad golden grand
    happy hardy hearty honest humble ideal jolly jovial keen kind lively loyal lucid lucky
    mellow merry mighty modest neat nimble noble open patient placid plucky polite proud
    quick quiet rapid ready robust rosy sage sandy serene sharp silent silver smart snug
    solid spry stable steady still sturdy sunny swift tidy tough true upbeat valiant vivid
    warm wily wise witty zesty
""".split()  # noqa: SIM905 - a list of them would be a page

_NOUNS: Final = """
    anchor atoll bay beacon berth bight bow bowline breeze brig buoy cape capstan cay
    channel chart clipper coast compass coral cove crest current cutter deck delta dock dory
    drift ebb eddy ensign fathom ferry fjord flag fleet foam frigate galley gale gull gulf
    halyard harbor haven helm hull inlet island jetty jib kayak keel ketch knot lagoon
    lantern lark league lookout lugger marina mast mooring nautilus oar ocean osprey otter
    pelican pier pilot port puffin quay raft reef regatta rigging rudder sail seal sextant
    shoal shore skiff sloop sound spar squall star stern strait surf swell tern tide tiller
    vessel voyage wake wave wharf yawl
""".split()  # noqa: SIM905 - a list of them would be a page

MAX_NAME: Final = 20


def new_run_id() -> str:
    """A new run id: 32 lower-case hexadecimal digits."""
    return os.urandom(16).hex()


def new_model_id() -> str:
    """A new logged model's id: ``m-`` and 32 hexadecimal digits."""
    return f"m-{os.urandom(16).hex()}"


def random_name() -> str:
    """A name such as ``brisk-harbor-417``, at most 20 characters."""
    while True:
        noise = int.from_bytes(os.urandom(8))
        noise, adjective = divmod(noise, len(_ADJECTIVES))
        noise, noun = divmod(noise, len(_NOUNS))
        name = f"{_ADJECTIVES[adjective]}-{_NOUNS[noun]}-{noise % 1000}"
        if len(name) <= MAX_NAME:
            return name
