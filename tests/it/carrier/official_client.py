"""Judges signatures and access tokens with the carrier's official library. Reads JSON lines, answers JSON lines."""

import json
import sys

import jwt
from twilio.jwt.access_token import AccessToken
from twilio.request_validator import RequestValidator


class Form(dict):
    """Names with several values, as web frameworks give them to the validator."""

    def getall(self, name):
        return self[name]


def judge_request(case):
    form = Form()
    for name, value in case["form"]:
        form.setdefault(name, []).append(value)
    validator = RequestValidator(case["token"])
    return {"accepted": validator.validate(case["url"], form, case["signature"]),
            "signature": validator.compute_signature(case["url"], form)}


def judge_json(case):
    validator = RequestValidator(case["token"])
    return {"accepted": validator.validate(case["url"], case["body"], case["signature"])}


def judge_token(case):
    # The moment of the test's clock is not now: the library checks the signature here, the test the times.
    options = {"verify_signature": True, "verify_exp": False, "verify_nbf": False}
    payload = jwt.decode(case["jwt"], case["secret"], algorithms=["HS256"], options=options)
    own = AccessToken(payload["sub"], payload["iss"], case["secret"], identity=payload["grants"]["identity"])
    headers = jwt.get_unverified_header(case["jwt"])
    return {"payload": payload, "headers": headers, "own_headers": jwt.get_unverified_header(own.to_jwt())}


JUDGES = {"request": judge_request, "json": judge_json, "token": judge_token}

for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(JUDGES[case["judge"]](case)), flush=True)
