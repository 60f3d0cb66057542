"""A small app in the shape of ours, for tests of the run."""

import json
import os
import time
from email.message import EmailMessage

import boto3
from chalice import Rate, Response

from chalicelib.web.http.sections import App

app = App("small", sections={})


def _put(pk, **attributes):
    item = {"pk": {"S": pk}} | {name: {"S": str(value)} for name, value in attributes.items()}
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE_NAME"], Item=item)


def _get(pk):
    answer = boto3.client("dynamodb").get_item(TableName=os.environ["TABLE_NAME"], Key={"pk": {"S": pk}})
    return {name: value["S"] for name, value in answer.get("Item", {}).items()}


@app.route("/health")
def health():
    return {"status": "ok"}


@app.route("/things/{pk}")
def thing(pk):
    return _get(pk)


@app.route("/things/{pk}", methods=["POST"])
def put_thing(pk):
    _put(pk, **app.current_request.json_body)
    return Response({"pk": pk}, status_code=201)


@app.route("/echo", methods=["POST"])
def echo():
    time.sleep(0.001)  # lets other threads in between the request and its use
    body = app.current_request.raw_body.decode()
    return Response(body, headers={"Content-Type": "text/plain", "Set-Cookie": ["a=1", "b=2"]})


@app.lambda_function(name="ask_approver")
def ask_approver(event, context):
    if event["execution"] == "early":
        answer = {"decision": "approve"}
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output=json.dumps(answer))
        time.sleep(0.2)
    if event["asked"] == "nobody":
        raise ValueError("nobody to ask")
    _put("asked-" + event["execution"], token=event["token"], asked=event["asked"], by=context.function_name)
    return {}


@app.lambda_function(name="relay_workflow")
def relay_workflow(event, context):
    for record in event["Records"]:
        pk = record["dynamodb"]["Keys"]["pk"]["S"]
        state = {"asked": "lead", "wait": {"lead_seconds": 2, "deputy_seconds": 60}}
        machine = os.environ["STATE_MACHINE_ARN_PREFIX"] + "asking"
        boto3.client("stepfunctions").start_execution(
            stateMachineArn=machine, name=pk, input=json.dumps(state)
        )


@app.lambda_function(name="relay_mail")
def relay_mail(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        mail = EmailMessage()
        mail["From"], mail["To"] = os.environ["MAIL_FROM"], "Lea Lead <lead@force.example>"
        mail["Subject"], mail["X-Notification-Id"] = "Größe: £5", image["pk"]["S"]
        mail.set_content("See https://example.org/a?b=1&c=2.\nDone.\n")
        mail.add_alternative("<p>See <a href='https://example.org/'>it</a></p>", subtype="html")
        boto3.client("ses").send_raw_email(
            Destinations=["Lea Lead <lead@force.example>"], RawMessage={"Data": mail.as_bytes()}
        )
    return {"batchItemFailures": []}


@app.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event):
    _put("swept", at=time.time())


@app.schedule(Rate(1, unit=Rate.MINUTES), name="reconcile")
def reconcile(event):
    _put("reconciled", source=event.source)
