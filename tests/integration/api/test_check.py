"""`grantwire db check` on a database whose rows were changed behind Grantwire's back."""

from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph.scenes import Bus, facts, user
from tests.support.commands import grantwire


async def test_damaged_rows_are_named_and_end_with_1(stage: Stage, urls: dict[str, str]) -> None:
    check = ("db", "check", "--database-url", urls["database_url"])
    await stage.add()
    await Bus(stage.graph, account=ACCOUNT).send(facts([user("ada", account=ACCOUNT), user("bob", account=ACCOUNT)]))
    sound = grantwire(*check)
    assert (sound.code, sound.out) == (0, "")
    assert "Every row is as it was applied" in sound.err
    async with stage.graph.connection() as connection:
        await connection.execute(
            "UPDATE node SET attributes = attributes || '{\"path\": \"/evil/\"}' WHERE name = 'ada'"
        )
    damaged = grantwire(*check)
    assert damaged.code == 1
    assert damaged.out.split("\t")[:3] == [f"iam/{ACCOUNT}", "prod", "1"]
    assert "user/ada" in damaged.out
    (finding,) = grantwire(*check, "--repair", "--json").json["findings"]
    assert (finding["scope"], finding["repaired"]) == (f"iam/{ACCOUNT}", True)


def test_a_database_must_be_named() -> None:
    done = grantwire("db", "check", env={"GRANTWIRE_DATABASE_URL": ""})
    assert done.code == 2
    assert "GRANTWIRE_DATABASE_URL is not set" in done.err
