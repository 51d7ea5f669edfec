"""A deliberately bad integration: works without asking, meters without keys, and takes no answer for an answer."""

import json
import os
import time
import urllib.request

while True:
    body = json.dumps({"dimension": "requests", "quantity": "1"}).encode()
    url = os.environ["TALLYSTICK_AGENT_URL"]
    try:
        request = urllib.request.Request(url + "/v1/usage", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()
    except OSError:
        pass
    time.sleep(0.2)
