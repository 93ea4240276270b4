"""Requests to the REST interface."""

import base64
import http.client
import json


def call(address, method, path, body=None, **headers):
    """Returns (status, parsed body); the body is sent as JSON unless it is bytes."""
    connection = http.client.HTTPConnection(address, timeout=30)
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    connection.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.headers.get("content-encoding") is None  # 17
    assert response.headers["content-type"].startswith("application/json")
    assert b"Traceback" not in text
    return response.status, json.loads(text)


def predict(address, body, where="", **headers):
    return call(address, "POST", f"/v1/models/tiny{where}:predict", body, **headers)


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def refused(answer, status=400):
    return answer[0] == status and isinstance(answer[1]["error"], str) and answer[1].keys() == {"error"}
