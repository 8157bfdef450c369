"""`python -m marketplace.adapters.payments.stub`: the stub as a process of its own, ended by Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from marketplace.adapters.payments.stub.app import create_stub, make_loopback_server


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Keys may come from the environment, where other users of the machine cannot see them."""
    parser = argparse.ArgumentParser(prog="payments stub", description="Behaves like Stripe; no money moves.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--home", type=Path, required=True, help="folder that keeps its memory")
    parser.add_argument("--webhook-url", required=True, help="where events go, on this machine")
    parser.add_argument("--webhook-secret", default=os.environ.get("STUB_WEBHOOK_SECRET", ""))
    parser.add_argument("--api-key", default=os.environ.get("STUB_PAYMENTS_KEY", ""))
    parser.add_argument("--public-url", default="", help="how browsers reach it, if not by 127.0.0.1 and the port")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        stub = create_stub(
            home=given.home,
            api_key=given.api_key,
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret,
            public_url=given.public_url,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    server = make_loopback_server(stub.app, given.port)
    for each in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this handler interrupts, so another thread has to call it
        signal.signal(each, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"Demonstration payments on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()
    stub.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
