"""What Chalice packages: names the app, registers pages, lists background work."""

from collections.abc import Callable
from typing import Any

from chalice import Cron, Rate

# PynamoDB comes with it. Every function needs it, and Python 3.11 takes much longer for it deep inside other calls,
# where the stack is at the end of a chunk, than it does here.
import chalicelib.adapters.dynamodb.tables
from chalicelib.web import background
from chalicelib.web.http.sections import App

app = App(app_name="share-your-knowledge")


@app.middleware("all")
def answer(event: Any, respond: Callable[[Any], Any]) -> Any:
    """Whatever is asked: a page, or a background function."""
    answered = respond(event)
    chalicelib.started()
    return answered


ask_approver = app.lambda_function(name="ask_approver")(background.ask_approver)
# Two consumers of one stream, each with its own filter: mail does not wait behind a burst of workflow starts.
relay_workflow = app.lambda_function(name="relay_workflow")(background.relay_workflow)
relay_mail = app.lambda_function(name="relay_mail")(background.relay_mail)
sweep = app.schedule(Rate(2, unit=Rate.MINUTES), name="sweep")(background.sweep)
mail_events = app.lambda_function(name="mail_events")(background.mail_events)
follow_up = app.schedule(Rate(5, unit=Rate.MINUTES), name="follow_up")(background.follow_up)
reconcile = app.schedule(Rate(1, unit=Rate.HOURS), name="reconcile")(background.reconcile)
# At 02:30 UTC. A second run on the same day writes nothing.
write_roots = app.schedule(Cron(30, 2, "*", "*", "?", "*"), name="write_roots")(background.write_roots)
# Monday at 07:00 UTC. A run finds out which weeks and fortnights are over, so one that is late is harmless.
digest = app.schedule(Cron(0, 7, "?", "*", "MON", "*"), name="digest")(background.digest)
