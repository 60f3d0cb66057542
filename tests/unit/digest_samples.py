"""What the mail of a digest is given."""

from __future__ import annotations

from typing import Any

SAMPLE: dict[str, Any] = {
    "what": "claims and ideas",
    "where": "Kent Police",
    "for_leaders": False,
    "period": "Monday 4 to Sunday 10 January 2027",
    "is_first": True,
    "forms": [
        {
            "noun": "claim",
            "is_published": False,
            "submitted": 24,
            "figures": [
                ["Sent in", "24, 3 more than last time"],
                ["Approved", "12, as last time"],
                ["Not approved", "4, 1 more than last time"],
                ["Withdrawn or lapsed", "1, as last time"],
                ["Waiting for an answer", "7, 2 more than last time"],
            ],
            "fund": "the Police Transformation Fund",
            "money": [
                ["Reserved", "£18,000, £6,000 more than last time"],
                ["Left", "£32,000 of £50,000"],
            ],
            "waiting": [
                ["CLM-7K3F-9QXN", "innovation lead, by Thursday 14 January"],
                ["CLM-8M2P-4WXZ", "whoever sent it in, by Monday 18 January"],
            ],
            "published": [],
            "waiting_count": 7,
            "readers_count": 0,
            "overdue_count": 1,
            "hidden_count": 0,
            "hidden_overdue_count": 0,
            "exports_url": "https://ideas.example.org/exports/first/kent/2027-01-04-to-2027-01-10",
        },
        {
            "noun": "idea",
            "is_published": True,
            "submitted": 9,
            "figures": [["Sent in", "9"], ["Published, waiting for an answer", "6"]],
            "fund": "",
            "money": [],
            "waiting": [],
            "published": [
                {
                    "title": "One template for all handovers",
                    "words": "overdue: national idea reviewer, by Thursday 14 January",
                    "page_url": "https://ideas.example.org/ideas/IDA-2222-2229",
                },
                {
                    "title": "A van for two forces",
                    "words": "leaders' panel, by Monday 18 January",
                    "page_url": "https://ideas.example.org/ideas/IDA-3333-333F",
                },
            ],
            "waiting_count": 6,
            "readers_count": 2,
            "overdue_count": 1,
            "hidden_count": 3,
            "hidden_overdue_count": 1,
            "exports_url": "https://ideas.example.org/exports/second/kent/2027-01-04-to-2027-01-10",
        },
    ],
    "chart": [["First", [["Approved", 12], ["Waiting for an answer", 7]]], ["Second", [["Adopted", 1]]]],
    "all_exports_url": "https://ideas.example.org/exports",
}
"""A chief constable's, of both kinds of forms."""

LEAN: dict[str, Any] = {
    "is_first": False,
    "for_leaders": True,
    "forms": [
        {
            "noun": "idea",
            "is_published": True,
            "submitted": 1,
            "figures": [["Sent in", "1"]],
            "fund": "",
            "money": [],
            "waiting": [],
            "published": [],
            "waiting_count": 0,
            "readers_count": 0,
            "overdue_count": 0,
            "hidden_count": 0,
            "hidden_overdue_count": 0,
            "exports_url": "https://ideas.example.org/exports/second/all/2027-01-04-to-2027-01-10",
        }
    ],
}
"""What is different in the shortest: the national leaders', of one form."""
