"""The function behind the tests' custom resources: it does what the resource's `Script` says.

`Script` is JSON: for each request type a list of answers, the nth for the nth request of that type
to this resource, the last one for all that follow. An answer's members overwrite a successful one;
`omit` leaves members out, `padding` makes it long, `times` puts it several times (0: never),
`raise` ends the function with an error instead, `raise_first` only at the first delivery.
"""

import hashlib
import json
import tempfile
import urllib.request
from pathlib import Path


def handler(event, context):
    answer = _scripted(event)
    if answer.get("raise") or (answer.get("raise_first") and _nth(event["RequestId"]) == 0):
        raise RuntimeError("the script says so")
    body = {
        "Status": "SUCCESS",
        "Reason": "the script says so",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Value": event["ResourceProperties"].get("Value", "none")},
    }
    options = {"omit": [], "padding": 0, "times": 1}
    for name, value in answer.items():
        (options if name in options else body)[name] = value
    for name in options["omit"]:
        del body[name]
    if options["padding"]:
        body["Data"]["Padding"] = "x" * options["padding"]
    for _ in range(options["times"]):
        _put(event["ResponseURL"], json.dumps(body).encode())


def _put(url, body):
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(request, timeout=20).read()


def _scripted(event):
    script = json.loads(event["ResourceProperties"].get("Script", "{}"))
    answers = script.get(event["RequestType"], [{}])
    request = event["StackId"] + event["LogicalResourceId"] + event["RequestType"]
    return answers[min(_nth(request), len(answers) - 1)]


def _nth(what):
    """How often this was asked before; deliveries of one event run at the same time."""
    folder = Path(tempfile.gettempdir()) / hashlib.sha256(what.encode()).hexdigest()
    folder.mkdir(exist_ok=True)
    count = 0
    while True:
        try:
            (folder / str(count)).touch(exist_ok=False)
        except FileExistsError:
            count += 1
        else:
            return count
