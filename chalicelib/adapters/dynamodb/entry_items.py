"""The items of a timeline to entries and texts, and back."""

from __future__ import annotations

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import EntryItem, TextItem
from chalicelib.domain.records.timeline import Entry, Text


def entry_item(pk: str, entry: Entry) -> EntryItem:
    """The item of a timeline entry."""
    return EntryItem(
        pk,
        keys.entry(entry.sequence),
        sequence=entry.sequence,
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        action=entry.action,
        stage=entry.stage or None,
        details=dict(entry.details),
        text_digest=entry.text_digest or None,
        before=entry.before or None,
        state=entry.state or None,
        previous=entry.previous,
        hash=entry.hash,
        mac=entry.mac or None,
        mac_key=entry.mac_key or None,
        listed_as=keys.entries_of(entry.at),
        listed_at=entry.at,
    )


def text_item(pk: str, text: Text) -> TextItem:
    """The words of an entry, apart from it: they may be erased."""
    return TextItem(
        pk,
        keys.text(text.sequence),
        sequence=text.sequence,
        words=text.words,
        salt=text.salt,
        parts=dict(text.parts) or None,
    )


def entry_from(item: EntryItem) -> Entry:
    """A timeline entry."""
    return Entry(
        sequence=item.sequence,
        at=item.at,
        actor=item.actor,
        role=item.role,
        action=item.action,
        stage=item.stage or "",
        details=item.details,
        text_digest=item.text_digest or "",
        before=item.before or "",
        state=item.state or "",
        previous=item.previous,
        hash=item.hash,
        mac=item.mac or "",
        mac_key=item.mac_key or "",
    )


def text_from(item: TextItem) -> Text:
    """The words of an entry."""
    return Text(sequence=item.sequence, words=item.words, salt=item.salt, parts=item.parts or {})
