"""A private S3 store for the tests: moto's server behind a check of every signature by botocore, S3's own library.

Takes its settings as one JSON argument, prints its port as one JSON line, and ends when its standard input does.
"""

import datetime
import json
import os
import re
import socket
import sys
import threading
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

settings = json.loads(sys.argv[1])
LATE = "Request has expired"


def now():
    skew = datetime.timedelta(minutes=settings.get("ahead_minutes", 0))
    return datetime.datetime.now(datetime.timezone.utc) + skew


def signed(environ, asked):
    """Why the request is not signed as it must be, if it is not: status, code, message."""
    if asked.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        return 403, "AccessDenied", "not signed"
    key, date, region, service, _ = asked["X-Amz-Credential"].split("/")
    if key != settings["key"]:
        return 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist"
    if (region, service) != (settings["region"], "s3"):
        return 400, "AuthorizationQueryParametersError", "the region is wrong"
    at = datetime.datetime.strptime(asked["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    age = (now() - at).total_seconds()
    if asked["X-Amz-Date"][:8] != date or not -900 <= age <= int(asked["X-Amz-Expires"]):
        return 403, "AccessDenied", LATE
    path, _, query = environ["RAW_URI"].partition("?")
    pairs = [pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature=")]
    url = "http://" + environ["HTTP_HOST"] + path + "?" + "&".join(pairs)
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url)
    request.context["timestamp"] = asked["X-Amz-Date"]
    auth = S3SigV4QueryAuth(Credentials(key, settings["secret"]), service, region)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    if auth.signature(text, request) != asked.get("X-Amz-Signature"):
        # The real answer repeats what was asked, so this one does too.
        return 403, "SignatureDoesNotMatch", text
    return None


def refused(environ, asked):
    for rule in settings.get("refuse", []):
        if rule["method"] == environ["REQUEST_METHOD"] and all(
            asked.get(name) == value if value else name in asked
            for name, value in rule["asked"].items()
        ) and environ["PATH_INFO"].endswith(rule.get("key", "")):
            if rule.get("times") == 0:
                continue
            if "times" in rule:
                rule["times"] -= 1
            return rule["status"], rule["code"], "as the test has it", rule
    return None


def broken_off(environ):
    """The connection is broken off without an answer, as by a store that falls over."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def empty_page(environ, asked):
    """S3 may answer with an empty page that names a next one; after so many of them the true list follows."""
    token = asked.get("continuation-token", "")
    before = int(token.removeprefix("empty-")) if token.startswith("empty-") else 0
    if asked.get("list-type") != "2" or (token and not before):
        return None
    if before < settings.get("empty_pages", 0):
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated><NextContinuationToken>empty-{before + 1}"
            "</NextContinuationToken></ListBucketResult>"
        )
    pairs = environ["QUERY_STRING"].split("&")
    environ["QUERY_STRING"] = "&".join(pair for pair in pairs if not pair.startswith("continuation-token="))
    return None


def with_beginnings(body):
    """moto says that every upload was begun in 2010; these names were begun just now."""
    young = [f"<Key>{key}</Key>".encode() for key in settings["young_uploads"]]
    soon = now() + datetime.timedelta(seconds=1)
    at = soon.strftime("<Initiated>%Y-%m-%dT%H:%M:%S.000Z</Initiated>").encode()

    def told(upload):
        is_young = any(key in upload[0] for key in young)
        return re.sub(rb"<Initiated>.*</Initiated>", at, upload[0]) if is_young else upload[0]

    return re.sub(rb"<Upload>.*?</Upload>", told, body, flags=re.DOTALL)


class Checked:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        asked = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        no = signed(environ, asked) or refused(environ, asked)
        if no is None:
            if environ["REQUEST_METHOD"] in ("PUT", "POST") and "CONTENT_LENGTH" not in environ:
                no = 411, "MissingContentLength", "no length"
            else:
                return self.answered(environ, start_response, asked)
        # What was sent is read, so that it is not taken for the next request.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code, message, *rule = no
        rule = rule[0] if rule else {}
        if rule.get("reset"):
            broken_off(environ)
        message = message.replace("&", "&amp;").replace("<", "&lt;")
        body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else body.encode()
        headers = [("Content-Length", str(len(body)))]
        if "retry_after" in rule:
            headers.append(("Retry-After", rule["retry_after"]))
        start_response(f"{status} {code}", headers)
        return [body]

    @staticmethod
    def asked_as_an_address(asked):
        """Some stores say that they wrote names as in an address, and did not."""
        return settings.get("careless") and asked.get("encoding-type") == "url"

    def answered(self, environ, start_response, asked):
        page = empty_page(environ, asked) if environ["REQUEST_METHOD"] == "GET" else None
        if page is not None:
            start_response("200 OK", [("Content-Length", str(len(page)))])
            return [page.encode()]
        careless = self.asked_as_an_address(asked)
        dated = "uploads" in asked and "young_uploads" in settings
        forgotten = "uploads" in asked and "calls_itself" in settings
        if environ["REQUEST_METHOD"] != "GET" or not (careless or dated or forgotten or "uploadId" in asked):
            return self.app(environ, start_response)
        # moto gives the list of parts another name than S3 does, which S3's own library does not look at.
        told = []
        body = b"".join(self.app(environ, lambda *head: told.extend(head)))
        body = body.replace(b"ListPartsResponse", b"ListPartsResult")
        body = body.replace(b"%2B", b"+") if careless else body
        body = with_beginnings(body) if dated else body
        if forgotten:
            # As MinIO has it after a restart.
            body = re.sub(rb"<Upload>.*?</Upload>", b"", body, flags=re.DOTALL)
        headers = [pair for pair in told[1] if pair[0].lower() != "content-length"]
        start_response(told[0], [*headers, ("Content-Length", str(len(body)))])
        return [body]


class Handler(MotoRequestHandler):
    def date_time_string(self, timestamp=None):
        return now().strftime("%a, %d %b %Y %H:%M:%S GMT")

    def version_string(self):
        return settings.get("calls_itself") or super().version_string()

    def log(self, *_):
        pass


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
application = Checked(DomainDispatcherApplication(create_backend_app))
server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
print(json.dumps({"port": server.port}), flush=True)
server.serve_forever()
