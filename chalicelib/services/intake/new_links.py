"""A new status link, which ends the one before: for whoever has proven the mailbox, and mailed there alone."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import Gone, Overtaken
from chalicelib.domain.records.timeline import CLAIMANT
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of
from chalicelib.services.revision import Revision, again_if_overtaken


def renew(parts: Parts, force: str, reference: str, *, seen: int) -> bool:
    """Make a new link in place of number `seen`, and mail it to the submitter. False where that one has been replaced
    already: the same again changes nothing and mails nothing.

    The new link is stored together with its mail, which is tried until it is sent; where it bounces, the coordinators
    are told, and the mailbox can be proven again with any link of before. Raises NotFound, Overtaken where the mailbox
    was never proven, and Gone where its address is no longer held.
    """
    return again_if_overtaken(lambda: _renew(parts, force, reference, seen))


def _renew(parts: Parts, force: str, reference: str, seen: int) -> bool:
    case = case_of(parts, force, reference)
    one, now = case.submission, parts.now()
    form = parts.forms.form(one.form, one.form_version)
    if one.link != seen:
        return False
    if one.is_unproven:
        raise Overtaken("The email address of this was not confirmed, so there is no new link to send there.")
    if form.email_field not in case.personal:
        raise Gone("We no longer hold the address that this was sent from.")
    revision = Revision(parts, case, now=now)
    revision.becomes(replace(one, link=one.link + 1, linked_at=now))
    revision.records("link-renewed", by=CLAIMANT, role=CLAIMANT, details={"link": one.link + 1})
    revision.tells([revision.letters(form).new_link()])
    revision.commit()
    return True
