"""Answers as people might send them: of all 43 forces by their size, in words of every length, no two alike.

What is made depends on the form, the number and the seed alone, so that two runs measure the same. Names, places and
addresses are made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Any

SHORTEST, LONGEST = 50, 4_000
"""Characters of the longest answer of each form, which are what an item's size comes from."""

CAP_PENCE = 1_000_000
"""No claim is for more: the share of a force where the product is tried (infra/local/seeds.json)."""

BORDER_PENCE = 500_000
"""From here on the fund holder decides, too: half of all claims are for less."""

_FIRST_DAY = date(2027, 2, 1)

_OFFICERS = {
    "metropolitan": 33, "west-midlands": 8, "greater-manchester": 8, "west-yorkshire": 6, "thames-valley": 5,
    "kent": 4, "merseyside": 4, "northumbria": 4, "essex": 4, "lancashire": 4, "devon-and-cornwall": 4,
    "hampshire": 3, "avon-and-somerset": 3, "south-wales": 3, "sussex": 3, "south-yorkshire": 3,
    "nottinghamshire": 2, "west-mercia": 2, "hertfordshire": 2, "leicestershire": 2, "cheshire": 2,
    "humberside": 2, "surrey": 2, "derbyshire": 2, "staffordshire": 2, "norfolk": 2, "cambridgeshire": 2,
    "north-wales": 2, "north-yorkshire": 2, "cleveland": 1, "gwent": 1, "bedfordshire": 1, "dorset": 1,
    "northamptonshire": 1, "suffolk": 1, "cumbria": 1, "gloucestershire": 1, "lincolnshire": 1, "durham": 1,
    "dyfed-powys": 1, "warwickshire": 1, "wiltshire": 1, "city-of-london": 1,
}  # fmt: skip
"""Roughly, in thousands: how many claims and ideas come from each force."""

FORCES = tuple(_OFFICERS)
_FORCES_SO_FAR = tuple(accumulate(_OFFICERS.values()))

_FIRST = (
    "Ann", "Ben", "Carys", "Dev", "Efa", "Femi", "Gwen", "Hana", "Idris", "Joe", "Kofi", "Lena", "Máire",
    "Nia", "Owen", "Priya", "Rhys", "Siân", "Tom", "Zoë",
)  # fmt: skip
_LAST = (
    "Ainsworth", "Begum", "Cadwaladr", "Dhillon", "Evans", "Fairfax", "Griffiths", "Hughes", "Iqbal",
    "Jones", "Kaur", "Llewellyn", "Murphy", "Ngata", "O'Brien", "Patel", "Quartermaine", "Rees",
    "Smith-Jones", "Thomas", "Underhill", "Vaughan", "Williams", "Yilmaz",
)  # fmt: skip
_POSTS = ("Constable", "Sergeant", "Inspector", "Chief Inspector", "Detective Sergeant", "Analyst", "Planner")
_TOWNS = (
    "Ashby", "Barton", "Carrow", "Denholm", "Easton", "Farley", "Granby", "Hexley", "Ilton", "Kirkby",
    "Langford", "Marden", "Norton", "Oxley", "Penrhyn", "Queniborough", "Ryhill", "Selby", "Tarrant",
    "Upton", "Wexcombe", "Yarrow",
)  # fmt: skip
_HALLS = (
    "Town Hall",
    "County Hall",
    "Guildhall",
    "Police Headquarters",
    "Community Centre",
    "College",
    "Library",
)
_DAYS = (
    "Innovation day",
    "Ideas workshop",
    "Open day",
    "Hack day",
    "Learning day",
    "Design day",
    "Show and tell",
)
_TOPICS = (
    "handovers between shifts", "missing persons", "digital statements", "the custody suite", "neighbourhood teams",
    "mental health calls", "vehicle checks", "the property store", "rural crime", "training of new constables",
    "body-worn video", "the control room", "domestic abuse files", "roads and collisions", "volunteers' rotas",
    "interview rooms", "disclosure", "officers' wellbeing", "lost property", "partnership meetings",
)  # fmt: skip
_WHO = (
    "Officers and staff", "Most shifts", "Two neighbourhood teams", "Colleagues from the control room",
    "Special constables", "Our analysts", "The custody sergeants", "New recruits", "All who were asked",
    "People from three forces", "Partners from the council", "A small group of volunteers",
)  # fmt: skip
_DO = (
    "work out ideas for", "lose half an hour a day with", "would like one way of doing", "have tried a template for",
    "show what they know of", "will test two ways of improving", "wrote down what goes wrong with",
    "learn from others about", "have measured the time spent on", "agree on what to change first in",
)  # fmt: skip
_HOW = (
    "before the end of the year", "without new equipment", "with what is there already", "and will report on it",
    "so that nothing is forgotten", "which saves a drive across the county", "as was done at a pilot station",
    "and keep what works", "at no cost to the public", "in a single afternoon", "with help from the university",
)  # fmt: skip
_LINES = {
    "venue-hire": ("Hire of the hall", "Hire of two rooms"),
    "catering": ("Lunch and tea", "Sandwiches for the day"),
    "av-equipment": ("Projector and microphones", "Screens"),
    "materials": ("Paper, pens and boards", "Printed guides"),
    "travel": ("Coaches from the stations", "Train fares"),
    "other": ("A speaker's fee", "Sign language interpreter"),
}
_CATEGORIES = (
    "technology", "digital-and-data", "wellbeing", "processes", "custody", "investigation", "neighbourhood", "roads",
    "mental-health", "training", "equipment", "vehicles", "estates", "partnership", "other",
)  # fmt: skip


def answers(form: str, number: int, *, seed: int = 1) -> dict[str, Any]:
    """The answers of submission `number` (from 0) to `funding-claim` or `idea`: always the same for the same three,
    from another mailbox and with other content for each number. They are what the form accepts, as it would be
    posted to `/api/v1/submissions/<form>`."""
    made = {"funding-claim": _claim, "idea": _idea}[form]
    return made(Random(f"{seed} {form} {number}"), number)


def words(chance: Random, shortest: int, longest: int) -> str:
    """Sentences in paragraphs, of about a length between the two: as many short texts as are ten times as long."""
    wanted = min(longest, int(shortest * (longest / shortest) ** chance.random()) + 1)
    text = ""
    while len(text) < wanted:
        text += f"{'' if not text else chance.choice((' ', ' ', ' ', chr(10) * 2))}{_sentence(chance)}"
    return text[:wanted].rstrip().ljust(shortest, ".")


def in_digits(number: int, characters: str, length: int) -> str:
    """The number, these characters being the digits; the lowest comes first."""
    drawn = ""
    for _ in range(length):
        number, place = divmod(number, len(characters))
        drawn += characters[place]
    return drawn


def _claim(chance: Random, number: int) -> dict[str, Any]:
    town, topic = chance.choice(_TOWNS), chance.choice(_TOPICS)
    found = {
        "force": _force(chance),
        "event_title": f"{chance.choice(_DAYS)} on {topic}, {town} ({number})",
        "event_date": (_FIRST_DAY + timedelta(days=chance.randrange(300))).isoformat(),
        "venue_name": f"{town} {chance.choice(_HALLS)}",
        "venue_postcode": _postcode(chance),
        "expected_attendance": min(5_000, 5 + int(chance.lognormvariate(4, 0.7))),
        "cost_lines": _cost_lines(chance),
        "purpose": words(chance, SHORTEST, LONGEST),
        **_person(chance, number, "claimant"),
        "claimant_role": chance.choice(_POSTS),
        "declaration": True,
    }
    if chance.random() < 0.6:
        found["claimant_phone"] = f"01632 960{chance.randrange(1000):03}"  # Ofcom keeps these for fiction
    return found


def _idea(chance: Random, number: int) -> dict[str, Any]:
    found = {
        "title": f"One way for {chance.choice(_TOPICS)} ({number})",
        "improvement": words(chance, SHORTEST, LONGEST),
        "category": chance.choice(_CATEGORIES),
        "force": _force(chance),
        "role": chance.choices(
            ("officer", "staff", "volunteer", "special-constable", "pcso"), (60, 28, 2, 4, 6)
        )[0],
        "scale": chance.choices(("small", "force", "national"), (35, 45, 20))[0],
        **_person(chance, number, "contact"),
    }
    if chance.random() < 0.4:
        found["tried"] = words(chance, 20, 1_000)
    if chance.random() < 0.15:
        found["withhold_name"] = True
    return found


def _force(chance: Random) -> str:
    return chance.choices(FORCES, cum_weights=_FORCES_SO_FAR)[0]


def _person(chance: Random, number: int, called: str) -> dict[str, Any]:
    """Name and address; the address is nobody else's of this form."""
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    domain = chance.choices(("example.police.uk", "example.org"), (85, 15))[0]
    if called == "claimant":  # claims come from the police alone
        domain = "example.police.uk"
    plain = "".join(letter for letter in f"{first[0]}.{last}".lower() if letter.isascii() and letter != "'")
    return {f"{called}_name": f"{first} {last}", f"{called}_email": f"{plain}.{number}@{domain}"}


def _postcode(chance: Random) -> str:
    area = chance.choice(("ME", "CT", "CF", "LS", "NE", "B", "M", "SW", "EX", "YO"))
    unit = "".join(chance.sample("ABDEFGHJLNPQRSTUWXYZ", 2))
    return f"{area}{chance.randrange(1, 30)} {chance.randrange(1, 10)}{unit}"


def _cost_lines(chance: Random) -> list[dict[str, Any]]:
    """One to six. Half of all claims stay below the border, all of them below the cap."""
    total = BORDER_PENCE * chance.lognormvariate(0, 0.6)
    total = round(min(max(total, 5_000), CAP_PENCE * 0.98) / 50) * 50
    kinds = chance.sample(tuple(_LINES), chance.choices(range(1, 7), (20, 30, 25, 15, 7, 3))[0])
    parts = _shares(total, [1 + chance.random() * 4 for _ in kinds])
    return [
        {"description": chance.choice(_LINES[kind]), "category": kind, "amount_pence": amount}
        for kind, amount in zip(kinds, parts)
    ]


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """The total in parts by weight; what rounding leaves is the first's."""
    parts = [int(total * weight / sum(weights)) for weight in weights]
    parts[0] += total - sum(parts)
    return parts


def _sentence(chance: Random) -> str:
    return f"{chance.choice(_WHO)} {chance.choice(_DO)} {chance.choice(_TOPICS)}, {chance.choice(_HOW)}."
