"""Ends with 0 when the web server of this container answers /healthz."""

import os
import urllib.request

# Any host but one that is allowed is refused. "*" and ".example.com" allow more than a name.
allowed = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
host = "localhost" if allowed == "*" else allowed.removeprefix(".")
url = f"http://127.0.0.1:{os.environ.get('PORT') or '8000'}/healthz"

urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=2)
