"""What Chalice packages: names the app, registers pages, lists background work."""

from chalice import Chalice, Cron, Rate

from chalicelib.web import background
from chalicelib.web.amend_pages import amend_pages
from chalicelib.web.api import api
from chalicelib.web.away_pages import away_pages
from chalicelib.web.checks_pages import checks_pages
from chalicelib.web.claimant_pages import claimant_pages
from chalicelib.web.desk_case_pages import desk_case_pages
from chalicelib.web.desk_money_pages import desk_money_pages
from chalicelib.web.desk_pages import desk_pages
from chalicelib.web.export_pages import export_pages
from chalicelib.web.form_pages import form_pages
from chalicelib.web.idea_pages import idea_pages
from chalicelib.web.map_pages import map_pages
from chalicelib.web.reassign_pages import reassign_pages
from chalicelib.web.sign_in_pages import sign_in_pages
from chalicelib.web.site_pages import site_pages
from chalicelib.web.status_pages import status_pages
from chalicelib.web.task_pages import task_pages
from chalicelib.web.views import current

app = Chalice(app_name="share-your-knowledge")
for blueprint in (
    current,
    api,
    site_pages,
    form_pages,
    idea_pages,
    map_pages,
    status_pages,
    claimant_pages,
    amend_pages,
    task_pages,
    reassign_pages,
    away_pages,
    desk_pages,
    desk_case_pages,
    desk_money_pages,
    checks_pages,
    export_pages,
    sign_in_pages,
):
    app.register_blueprint(blueprint)

ask_approver = app.lambda_function(name="ask_approver")(background.ask_approver)
# Two consumers of one stream, each with its own filter: mail does not wait behind a burst of workflow starts.
relay_workflow = app.lambda_function(name="relay_workflow")(background.relay_workflow)
relay_mail = app.lambda_function(name="relay_mail")(background.relay_mail)
sweep = app.schedule(Rate(2, unit=Rate.MINUTES), name="sweep")(background.sweep)
mail_events = app.lambda_function(name="mail_events")(background.mail_events)
follow_up = app.schedule(Rate(5, unit=Rate.MINUTES), name="follow_up")(background.follow_up)
reconcile = app.schedule(Rate(1, unit=Rate.HOURS), name="reconcile")(background.reconcile)
# Monday at 07:00 UTC. A run finds out which weeks and fortnights are over, so one that is late is harmless.
digest = app.schedule(Cron(0, 7, "?", "*", "MON", "*"), name="digest")(background.digest)
