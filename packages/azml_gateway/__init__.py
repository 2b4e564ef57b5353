"""The request path in front of a model: who may call, which deployment answers, how many at once, for how long.

One process per endpoint, run as `python -m azml_gateway --config FILE`. Part of every serving image and what answers
locally, so nothing here knows who wrote the config file. Provisioning (starting model servers, issuing keys and tokens,
moving traffic) is deliberately somebody else's job: the file is read at the start and on `POST /reload`.
"""
