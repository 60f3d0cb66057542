"""Every mail that a submission's life takes: to whom, from which template, with what in it.

The ids are deterministic, so that the same cause makes the same mail. Nothing is in a mail that its reader does
not need; what decides is never in a mail, only the link to where it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.domain.approvals import asked_values
from chalicelib.domain.approvals.amendments import Asked as ChangesAsked
from chalicelib.domain.approvals.amendments import asked_for, differences
from chalicelib.domain.approvals.deadlines import short_day, spoken_day, spoken_time
from chalicelib.domain.approvals.who_decides import may_hand_on
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.forms.answers import Answer, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs, Choice
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import Person, role_words
from chalicelib.domain.records.submissions import Case, Status, Submission, Task
from chalicelib.domain.records.timeline import Entry
from chalicelib.domain.records.withholding import kept_from_approver
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts
from chalicelib.services.records import lookup


@value
class Letters:
    """The mails about one submission as it stands now (`one`), beside how it was read (`case`)."""

    parts: Parts
    case: Case
    form: Form
    one: Submission

    def asked(self, task: Task, person: Person) -> Delivery:
        """To an approver: all that it takes to decide, and the link."""
        return self._asking("asked", task, person, about=task.id)

    def reminder(self, task: Task, person: Person) -> Delivery:
        """To an approver who has not decided yet."""
        return self._asking("reminder", task, person, about=f"{task.id}.{self.one.reminded}")

    def reminders(self) -> list[Delivery]:
        """To all whom it waits for: the claimant, or each who was asked and has not decided."""
        if self.one.status is Status.CHANGES_REQUESTED:
            return [self.changes_reminder(asked_for(self.case, self.form))]
        people = [(task, self.parts.people.person(task.person_id)) for task in self.case.open_tasks]
        return [self.reminder(task, person) for task, person in people if person is not None]

    def no_longer_needed(self, tasks: Iterable[Task], reason: str) -> list[Delivery]:
        """To those who were asked and need not decide any more, as far as they are still registered."""
        people = [(task, self.parts.people.person(task.person_id)) for task in tasks]
        return [
            self._mail(
                "no-longer-needed", to=person.address, about=f"{task.id}.{self.one.revision}", reason=reason
            )
            for task, person in people
            if person is not None
        ]

    def decision_made(self, task: Task, person: Person, comment: str) -> Delivery:
        """To the maker of a decision: what was recorded in their name, and until when they can undo it."""
        undo = self.one.undo
        return self._mail(
            "decision-made",
            to=person.address,
            about=f"{task.id}.{self.one.revision}",
            made=self.form.workflow.choice(task.decision).done,
            comment=comment,
            undo_until=spoken_time(undo.until) if undo else "",
            task_url=self.parts.links.task(task),
        )

    def decided(
        self,
        task: Task,
        stands: Choice,
        changes: ChangesAsked | None,
        comment: str,
        given: Sequence[tuple[str, str]] = (),
    ) -> Delivery:
        """To the claimant: what became of a stage, and the values that were given with the choice."""
        stage = self.form.workflow.stage(task.stage)
        # What several people came to is said of them all, whoever of them was the last to answer.
        values: dict[str, Any] = {"role": role_words(stage.panel or task.role), "comment": comment}
        template, more = stands.outcome.mail(self.one, self.form, stands)
        asked = self._changes(changes) if changes is not None else {"values": [list(pair) for pair in given]}
        return self._to_claimant(template, task.id, **values, **more, **asked)

    def changes_reminder(self, changes: ChangesAsked) -> Delivery:
        """To the claimant, who has not made the changes yet."""
        about = f"{self.one.reference}.{self.one.version}.{self.one.reminded}"
        return self._to_claimant("changes-reminder", about, **self._changes(changes))

    def amended(self, sections: Sequence[str]) -> Delivery:
        """To the claimant: the changes have come in."""
        stage = self.form.workflow.stage(self.one.stage)
        about = f"{self.one.reference}.{self.one.version}"
        return self._to_claimant("amended", about, sections=list(sections), next_stage=stage.title)

    def paid(self, amount: str, payment: str) -> Delivery:
        """To the claimant: what was paid, under which reference."""
        return self._to_claimant("paid", self.one.reference, paid=amount, payment=payment)

    def new_link(self) -> Delivery:
        """To the claimant: the link that works from now on."""
        return self._to_claimant("new-link", f"{self.one.reference}.{self.one.link}")

    def ended(self, template: str) -> Delivery:
        """To the claimant: `withdrawn` or `lapsed`."""
        return self._to_claimant(template, f"{self.one.reference}.{self.one.revision}")

    def stuck(self, person: Person, reason: str, *, task: Task | None) -> Delivery:
        """To a coordinator: nobody decides, and why. `task` is the one that is open, if one is."""
        return self._mail(
            "stuck",
            to=person.address,
            about=f"{self.one.reference}.{self.one.chain.length}.{person.id}",
            force=self._force,
            stage_title=self.form.workflow.stage(self.one.stage).title,
            reason=reason,
            has_task=task is not None,
            may_hand_on=may_hand_on(person, self.form.workflow.stage(self.one.stage), task, self.one.force),
            again_on=spoken_day(self.one.due_at) if self.one.due_at else "",
            desk_url=self._desk,
        )

    def undelivered(self, person: Person, reason: str) -> Delivery:
        """To a coordinator: our mail to the submitter did not arrive."""
        return self._mail(
            "undelivered",
            to=person.address,
            about=f"{self.one.reference}.{self.one.chain.length}.{person.id}",
            force=self._force,
            reason=reason,
            desk_url=self._desk,
        )

    def _asking(self, template: str, task: Task, person: Person, *, about: str) -> Delivery:
        answers = self.case.answers
        # Whoever was chosen for a role came with that role alone: what they are shown goes by all that they hold.
        reader = lookup.reader(self.parts, self.form, self.case, person.id)
        hidden = kept_from_approver(reader, self.form, self.one.force, answers)
        shown = [one for one in walk(self.form, answers) if one.name not in hidden]
        return self._mail(
            template,
            to=person.address,
            about=about,
            force=self._force,
            **answers_in_words(self.form, shown),
            **self._money(),
            as_deputy=task.asked_as is AskedAs.DEPUTY,
            stands_in=bool(task.stands_in_for),
            decide_by=short_day(task.due_at),
            is_reserved=self.one.reserved_pence > 0,
            reserved=pounds(self.one.reserved_pence),
            differences=self._differences(reader),
            earlier=earlier_words(self.case, self.form),
            task_url=self.parts.links.task(task),
        )

    def _money(self) -> dict[str, str]:
        if not self.form.workflow.fund:
            return {"fund": "", "fund_left": "", "force_left": ""}
        fund = self.parts.funds.fund(self.form.workflow.fund, force=self.one.force)
        share = fund.forces.get(self.one.force)
        return {
            "fund": fund.name,
            "fund_left": pounds(fund.balance.available),
            "force_left": pounds(share.available) if share else "",
        }

    def _differences(self, reader: Person | None) -> list[list[str]]:
        if not self.case.versions:
            return []
        before = self.case.versions[-1].all_answers
        found = differences(self.form, before, self.case.answers, force=self.one.force, reader=reader)
        return [[one.heading, one.before, one.after] for one in found]

    def _changes(self, changes: ChangesAsked) -> dict[str, Any]:
        titles = {page.id: page.title for page in self.form.pages}
        return {
            "changes": [[titles[page], words] for page, words in changes.changes.items()],
            "change_by": short_day(self.one.due_at) if self.one.due_at else "",
            "amend_url": self.parts.links.claimant(
                self.one.force, self.one.reference, "amend", self.one.link
            ),
        }

    def _to_claimant(self, template: str, about: str, **values: Any) -> Delivery:
        return self._mail(
            template,
            to=str(self.case.personal[self.form.email_field]),
            about=f"{about}.{self.one.revision}",
            status_url=self.parts.links.status(self.one.force, self.one.reference, self.one.link),
            **values,
        )

    def _mail(self, template: str, *, to: str, about: str, **values: Any) -> Delivery:
        return deliveries.mail(
            template,
            to=to,
            about=about,
            reference=self.one.reference,
            force=self.one.force,
            values={
                "reference": self.one.reference,
                "title": self.one.title,
                "noun": self.form.noun,
                "total": pounds(self.one.amount_pence) if self.form.workflow.fund else "",
                **values,
            },
            now=self.one.changed_at,
        )

    @property
    def _desk(self) -> str:
        return self.parts.links.page(f"/desk/submissions/{self.one.reference}")

    @property
    def _force(self) -> str:
        return self.parts.forms.force_name(self.one.force)


def answers_in_words(form: Form, shown: Iterable[Answer]) -> dict[str, Any]:
    """The answers that a mail shows: those of one value, the costs that a fund is asked for, and each row of every
    other group as a list of its own."""
    singles, costs, groups = [], [], []
    for answer in shown:
        if not answer.rows:
            singles.append([answer.heading, answer.value])
        elif form.amount and answer.name == form.amount.group:
            costs = [list(row) for row in answer.rows]
        else:
            for number, row in enumerate(answer.rows, start=1):
                facts = [list(pair) for pair in zip(answer.row_headings, row)]
                groups.append([f"{answer.heading}, line {number}", facts])
    return {"answers": singles, "costs": costs, "groups": groups}


def earlier_words(case: Case, form: Form) -> list[list[str]]:
    """What was decided before, the latest last: stage, decision, comment."""
    return [
        [
            form.workflow.stage(entry.stage).title,
            form.workflow.choice(str(entry.details["decision"])).done,
            _written(case, form, entry),
        ]
        for entry in case.decisions
    ]


def _written(case: Case, form: Form, entry: Entry) -> str:
    """A decision's comment, the values that its choice asked for, and what was to be changed on which page."""
    text = case.texts.get(entry.sequence)
    said = text.parts if text else {}
    values = [f"{heading}: {words}" for heading, words in asked_values.given_at(case, form, entry)]
    pages = [f"{page.title}: {said[page.id]}" for page in form.pages if page.id in said]
    comment = [text.words] if text and text.words else []
    return "\n".join([*comment, *values, *pages])
