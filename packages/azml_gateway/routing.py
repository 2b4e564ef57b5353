"""What the gateway currently serves, and how a new config takes its place.

A reload swaps the rules between two requests: running and waiting requests keep the deployment they were given, counts
and turns of an unchanged split go on. Reading the file and HTTP are done elsewhere.
"""

from azml_gateway import answers
from azml_gateway.admission import Deployment, Instance
from azml_gateway.auth import authenticator
from azml_gateway.config import Config, ConfigError
from azml_gateway.metrics import Metrics
from azml_gateway.traffic import Mirror, Split


class Routing:
    """The rules in force. `generation` counts the configs applied, from 1."""

    def __init__(self, config: Config) -> None:
        self.metrics = Metrics(config.counts)
        self.generation = 0
        self.deployments: dict[str, Deployment] = {}
        self._instances: list[Instance] = []
        self.split = Split({})
        self.mirror = Mirror({})
        self.authenticator = authenticator(config.auth)
        self.config = config
        self._set(config)

    def apply(self, config: Config) -> int:
        """Replace the rules; the new generation. Raises `ConfigError` where that takes a new process."""
        fixed = [
            name
            for name in ("host", "port", "admin_socket", "counts")
            if getattr(config, name) != getattr(self.config, name)
        ]
        if fixed:
            raise ConfigError(f"{', '.join(fixed)}: cannot change while serving; start a new gateway")
        self._set(config)
        return self.generation

    def _set(self, config: Config) -> None:
        kept = self.deployments
        self.deployments = {}
        for name, settings in config.deployments.items():
            deployment = kept.get(name)
            if deployment is None:
                deployment = Deployment(name, settings)
            else:
                deployment.update(settings)
            self.deployments[name] = deployment
        traffic = Split({name: share for name, share in config.traffic.items() if name in self.deployments})
        if traffic.weights != self.split.weights:
            self.split = traffic
        mirror = Mirror({name: share for name, share in config.mirror.items() if name in self.deployments})
        if mirror.shares != self.mirror.shares:
            self.mirror = mirror
        if config.auth != self.config.auth:
            self.authenticator = authenticator(config.auth)
        self.config = config
        self.generation += 1
        current = [each for deployment in self.deployments.values() for each in deployment.instances.values()]
        self._instances = current + [each for each in self._instances if each.active and each not in current]

    def choose(self, named: str | None) -> Deployment:
        """Choose for a scoring request: the deployment that a header names, else one by traffic. Raises `Refusal`."""
        if named is not None:
            return self._named(named)
        chosen = self.split.next()
        if chosen is None:
            raise answers.no_traffic()
        return self.deployments[chosen]

    def describe(self, named: str | None) -> Deployment:
        """Choose who speaks for the endpoint (its OpenAPI document), without using up a turn of the split."""
        if named is not None:
            return self._named(named)
        heaviest = self.split.heaviest()
        if heaviest is None:
            raise answers.no_traffic()
        return self.deployments[heaviest]

    def _named(self, name: str) -> Deployment:
        deployment = self.deployments.get(name)
        if deployment is None:
            raise answers.no_deployment(name, list(self.deployments))
        return deployment

    def active(self) -> dict[str, int]:
        """Count requests in progress by instance address, instances that left the config included."""
        active: dict[str, int] = {}
        for instance in self._instances:
            active[instance.address] = active.get(instance.address, 0) + instance.active
        return active
