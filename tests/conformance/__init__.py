"""Whether a server keeps the promises of its wire: 1.3 (delivery) and 1.6 (states and commands), as black-box tests.

Against any address, from the root of the checkout:

    pytest tests/conformance --base-url http://127.0.0.1:8000 --token TOKEN [--other-token STRANGERS_TOKEN]

The token's runs are started, steered and cancelled; nobody else's are touched. A test that needs a stranger, a run
that failed or a restart is skipped there with its reason. Runs must take a second or two to be steered, so start a
server of this project with COMPOSER_PACE_S=0.8. At the shipped limits the suite waits out `Retry-After`, which makes it
take some minutes; MAX_STARTS_PER_MINUTE=1000 spares that.

Nothing here imports the application: httpx, websockets, the standard library and `tests/support/clients.py` do. The
checkout's own `tests/conftest.py` sets Django up beside it; `--confcutdir=tests/conformance` leaves that out too.

Without `--base-url` the suite starts this project's server, of both kinds, and nothing is skipped.
"""
