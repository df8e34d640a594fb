"""A web service that runs Numba and torch, under gunicorn --preload. Needs gunicorn."""

import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ADDRESS = ("127.0.0.1", 8765)
APPLICATION = ("--chdir", str(Path(__file__).parent), "web_app:app")
OPTIONS = ("--preload", "--workers", "4", "--graceful-timeout", "1", "--log-level", "critical")


def is_served(_: int) -> bool:
    try:
        with urllib.request.urlopen("http://{}:{}/".format(*ADDRESS), timeout=5) as answer:
            return answer.read() == b"2.0"
    except OSError:  # no answer, or none in time
        return False


def wait_for(server: subprocess.Popen) -> None:
    while server.poll() is None:
        try:
            return socket.create_connection(ADDRESS).close()
        except OSError:
            time.sleep(0.1)


bind = ("--bind", "{}:{}".format(*ADDRESS))
server = subprocess.Popen((sys.executable, "-m", "gunicorn", *OPTIONS, *bind, *APPLICATION))
try:
    wait_for(server)
    with ThreadPoolExecutor(4) as pool:
        print(f"{sum(pool.map(is_served, range(40)))} of 40 requests")
finally:
    server.terminate()
    server.wait()
