"""Where a scope of Identity Center comes from: AWS, as the connector's own account sees the instance that the job
names."""

from grantwire.aws import AwsSession, Identity, Sessions
from grantwire.aws.identity_center.discovery import fetch_instances
from grantwire.aws.places import place_of
from grantwire.collectors.identity_center.memory import Memory
from grantwire.collectors.identity_center.scopes import Asked, Scopes, Stored
from grantwire.collectors.kit.entering import Way, entered
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.kit.reasons import wrong_instance
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Malformed
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.jobs import CollectScope
from grantwire.telemetry import monotonic


class AwsIdentityCenter:
    """One instance as AWS shows it to the management account or to a delegated administrator."""

    def __init__(self, sessions: Sessions, stored: Stored, memory: Memory | None = None) -> None:
        self._sessions = sessions
        self._stored = stored
        self._memory = memory or Memory()

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """All of the job's scope. Raises ``AwsError``, and ``Malformed`` for a job that names no instance."""
        if (center := job.identity_center) is None:
            raise Malformed(f"The job for {job.scope} names no Identity Center instance.")

        begun = monotonic()

        async def read(session: AwsSession, identity: Identity) -> Reading:
            await self._verify(session, center, job, identity.account)
            asked = Asked(center, job.scope, job.run, identity.account, begun)
            return await Scopes(session, asked, self._memory, self._stored).read()

        return await entered(self._sessions, Way(connector, job.settings_version, connector.account), read)

    async def _verify(self, session: AwsSession, center: IdentityCenter, job: CollectScope, account: str) -> None:
        """The instance is still the one that was found when the connector was saved: looked up once for each run."""
        sighting = self._memory.sighting((job.run, job.connector, job.settings_version, center.instance_arn))
        async with sighting.looking:
            if sighting.seen:
                return
            there = await fetch_instances(session, place_of(center))
            if (center.instance_arn, center.identity_store) not in {(each.arn, each.identity_store) for each in there}:
                raise wrong_instance(center.instance_arn, center.region, account)
            sighting.seen = True
