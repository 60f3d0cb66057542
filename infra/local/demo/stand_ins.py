"""The outside world while the demonstration is being filled: a clock that is set, mail that goes straight into the
run's journal, files that go straight into its folder, and state machines that take no time.

The rest is the product's own: services, forms, texts of mails, and DynamoDB.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import IO, Any

from chalicelib.adapters.aws.ses import SesMailer, render
from chalicelib.adapters.dynamodb.outbox import DynamoOutbox
from chalicelib.domain.delivery.deliveries import DONE, Claimed, Delivery, Kind, Mark
from chalicelib.domain.errors import NotFound, TooLarge
from infra.local import kept_files, mailbox


class Clock:
    """What time it is in the story. It never goes back."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def set(self, moment: datetime) -> None:
        """Let time pass until then."""
        self.at = max(self.at, moment)

    def wait(self, **duration: float) -> None:
        """Let so much time pass."""
        self.at += timedelta(**duration)


_LATER = timedelta(days=1)  # a delivery on the story's last day may be a moment late
_PUT_OFF = "PutOff"


class LateStarts(DynamoOutbox):
    """The outbox, but that no start of a workflow is done before the story is over.

    The run has state machines of its own, which know nothing of the story's: it starts those that are still needed,
    as it starts any that waited in the outbox while it was off. They find out where each submission stands.
    """

    def __init__(self, *, until: datetime) -> None:
        super().__init__(relay_grace=timedelta(0))
        self._until = until
        self._put_off: list[Delivery] = []

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        """Delivered; a start is put off until the story is over."""
        if delivery.kind is not Kind.START:
            return super().done(delivery, at=at)
        self.failed(delivery, error=_PUT_OFF, again_at=self._until + _LATER)
        self._put_off.append(delivery)

    def mark(self, claimed: Claimed, marks: Sequence[Mark], *, at: datetime) -> None:
        """The same of the parts of a parcel."""
        starts = [one.delivery for one in marks if one.delivery.kind is Kind.START and not one.error]
        self._put_off += starts
        put_off = self._until + _LATER
        late = [
            Mark(delivery=one.delivery, error=_PUT_OFF, again_at=put_off) if one.delivery in starts else one
            for one in marks
        ]
        super().mark(claimed, late, at=at)

    def finish(self, is_open: Callable[[Delivery], bool]) -> None:
        """Leave the starts of what is open to the run, due now, and no other."""
        for delivery in self._put_off:
            if delivery.parcel:
                self._finish_part(delivery, is_open(delivery))
            elif is_open(delivery):
                self.failed(delivery, error=_PUT_OFF, again_at=self._until)
            else:
                super().done(delivery, at=self._until)

    def _finish_part(self, delivery: Delivery, is_open: bool) -> None:
        now = self._until + _LATER
        claimed = self.claim_parts(
            delivery.parcel, lane=delivery.lane, now=now, until=now + timedelta(seconds=30), is_late=True
        )
        assert claimed is not None
        mark = Mark(delivery=delivery)
        if is_open:
            mark = Mark(delivery=delivery, error=_PUT_OFF, again_at=self._until)
        super().mark(claimed, [mark], at=self._until)


class MessageRejected(Exception):
    """SES does not take mail to this address."""


class JournalMailer:
    """Writes each mail into the journal as the product composes it, sent at the clock's time."""

    def __init__(self, journal: mailbox.Journal, clock: Clock, *, sender: str, reply_to: str) -> None:
        self._journal = journal
        self._clock = clock
        self._composer = SesMailer(sender=sender, reply_to=reply_to)
        self.refused: set[str] = set()
        self.addresses: dict[str, str] = {}
        """Where the outbox has what was sent, by its notification id."""
        self.sent = 0

    def send(
        self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any], parcel: str = ""
    ) -> None:
        """Raises MessageRejected for an address in `refused`."""
        if to in self.refused:
            raise MessageRejected
        message = self._composer.message(notification_id, to, render(template, values), parcel=parcel)
        raw = base64.b64encode(message.as_bytes()).decode("ascii")
        form = {"RawMessage.Data": [raw], "Destinations.member.1": [to]}
        self._journal.add(mailbox.from_raw_email(form, message_id=notification_id, at=self._clock()))
        self.addresses[notification_id] = f"{parcel}/{notification_id}" if parcel else notification_id
        self.sent += 1

    def check(self) -> None:
        """Mail can always be sent."""


class FolderFiles:
    """The files of a bucket, where the run looks for them when it starts (`kept_files.restore`)."""

    def __init__(self, folder: Path, bucket: str) -> None:
        self._folder = folder
        self._bucket = bucket

    def put(self, key: str, content: IO[bytes], *, media_type: str) -> None:
        """Store a file in place of what is there."""
        self._write(key, content.read())

    def put_if_absent(self, key: str, content: bytes, *, media_type: str) -> bool:
        """Store it; False where there is one already. Nobody else writes."""
        if self._path(key).exists():
            return False
        self._write(key, content)
        return True

    def get(self, key: str, *, most: int) -> bytes:
        """A file of up to `most` bytes. Raises NotFound, or TooLarge."""
        path = self._path(key)
        if not path.is_file():
            raise NotFound("There is no such file.")
        if path.stat().st_size > most:
            raise TooLarge("The file is too large.")
        return path.read_bytes()

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so."""
        root = self._folder / self._bucket
        found = (file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
        return (key for key in sorted(found) if key.startswith(prefix))

    def address(self, key: str, *, called: str, media_type: str, seconds: int) -> str:
        """Nobody fetches files while they are made."""
        raise NotImplementedError

    def _path(self, key: str) -> Path:
        return kept_files.path_of(self._folder, self._bucket, key)

    def _write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Machines:
    """The state machines: each start and each answer leads to the next question, until the data
    says that the submission is done. Their time-outs are left out: the stored dates come first (ADR 11)."""

    def __init__(self) -> None:
        self.steps: deque[dict[str, Any]] = deque()
        """Events for `asking.read_step` that are still to be taken."""
        self._begun: set[str] = set()
        self._waiting: dict[str, tuple[str, str]] = {}
        self._tokens = 0

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        """Start an execution. Starting it twice is harmless."""
        if name not in self._begun:
            self._begun.add(name)
            self._go_to((workflow, name), payload)

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """Let a waiting execution go on."""
        place = self._waiting.pop(token, None)
        if place is not None:
            self._go_to(place, output)

    def _go_to(self, place: tuple[str, str], where: Mapping[str, Any]) -> None:
        if where["stage"] == DONE:
            return
        self._tokens += 1
        token = f"demo-{self._tokens}"
        self._waiting[token] = place
        self.steps.append({**where, "token": token})

    def running(self, workflow: str) -> frozenset[str]:
        """The names of all executions under way."""
        return frozenset(name for of, name in self._waiting.values() if of == workflow)

    def is_running(self, workflow: str, name: str) -> bool:
        """Whether the execution is under way."""
        return (workflow, name) in self._waiting.values()

    def stop(self, workflow: str, name: str) -> None:
        """End an execution."""
        self._waiting = {token: at for token, at in self._waiting.items() if at != (workflow, name)}


def drawing(chance: Random) -> Callable[[str, int], str]:
    """What draws so many characters for a reference, the same ones each time."""
    return lambda characters, count: "".join(chance.choices(characters, k=count))


def secrets(chance: Random) -> Callable[[], str]:
    """What draws salts, the same ones each time. The story signs nobody in: none of them opens anything."""
    return lambda: f"{chance.getrandbits(256):064x}"
