"""The command `lldkit play`: every component on one page, driven by its real code on simulated time."""

import argparse
import contextlib
import sys

from lldkit.loopback import LoopbackServer
from lldkit.playground.pages import POLICY, answer

__all__ = ["configure", "run"]

PORT = 8_765


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit play`."""
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"where to listen; 0 takes a free port (default: {PORT})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until interrupted; a port that cannot be had is exit code 2."""
    try:
        server = LoopbackServer(answer, port=arguments.port, policy=POLICY)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "it must be from 0 to 65535"
        print(f"lldkit play: cannot listen on port {arguments.port}: {why}", file=sys.stderr)
        return 2
    print(f"{server.url} shows every component; Ctrl-C ends it", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve()
    return 0
