"""The pack as the engine starts it, by `--policy-pack policies`. Which rules there are is `azml_policies.rules`."""

from azml_policies.server import main

main()
