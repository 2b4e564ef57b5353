"""Made-up names hold Azure's rules for whatever a workspace or deployment is called, and differ where they must."""

import re

from hypothesis import given
from hypothesis import strategies as st

from azml import naming
from azml.facts import names

workspaces = st.from_regex(re.compile(names.WORKSPACE.pattern, re.ASCII), fullmatch=True).filter(names.WORKSPACE.fits)
deployments = st.from_regex(re.compile(names.ONLINE_DEPLOYMENT.pattern, re.ASCII), fullmatch=True).filter(
    names.ONLINE_DEPLOYMENT.fits
)
places = st.text("abcdef0123456789-/", min_size=1, max_size=60)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(workspaces, places)
def test_every_name_is_one_that_azure_takes(workspace: str, place: str) -> None:
    assert names.STORAGE_ACCOUNT.fits(naming.storage_account(workspace, place))
    assert names.CONTAINER_REGISTRY.fits(naming.container_registry(workspace, place))
    assert names.KEY_VAULT.fits(naming.key_vault(workspace, place))


@given(workspaces, places, places)
def test_a_name_is_its_place_s_in_any_case(workspace: str, place: str, other: str) -> None:
    assert naming.key_vault(workspace, place) == naming.key_vault(workspace, place.upper())
    assert (naming.unique(place) == naming.unique(other)) == (place == other)


@given(workspaces, workspaces, places)
def test_two_workspaces_of_one_group_share_no_name(workspace: str, other: str, place: str) -> None:
    for made_up in (naming.storage_account, naming.container_registry, naming.key_vault):
        assert (made_up(workspace, place) == made_up(other, place)) <= (workspace.lower() == other.lower())


def test_names_that_are_the_same_once_cut_stay_apart() -> None:
    stages = {naming.storage_account(f"mlw-customer-churn-{stage}", "/g") for stage in ("dev", "test", "prod")}
    assert len(stages) == 3


@given(deployments, digests)
def test_a_release_fits_and_ends_in_its_digest(deployment: str, digest: str) -> None:
    name = naming.release(deployment, digest)
    assert names.ONLINE_DEPLOYMENT.fits(name)
    assert name.endswith(f"-{digest[:8]}")
    assert name.startswith(deployment[:23].rstrip("-"))


def test_names_are_what_they_were() -> None:
    """A changed name is another resource in Azure: these are contract."""
    group = "/subscriptions/s/resourceGroups/g"
    assert naming.storage_account("mlw-diabetes", group) == "stmlwdiabetes" + naming.unique(f"{group}/mlw-diabetes")
    assert naming.unique(group) == "bqdw5xfxxa"
    assert naming.release("ridge", "8949600bffff") == "ridge-8949600b"


@given(workspaces)
def test_logs_are_named_as_azure_takes_it(workspace: str) -> None:
    assert names.LOG_ANALYTICS.fits(naming.log_analytics(workspace))


def test_logs_are_named_after_the_workspace() -> None:
    assert naming.log_analytics("mlw-risk") == "log-mlw-risk"
    assert naming.log_analytics("my_ws-") == "log-my-ws"


def test_names_that_estates_have_already_do_not_change() -> None:
    """Another name is another storage account, without what is in it: these are written down."""
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    short, long = "mlw-churn", "mlw-customer-churn-in-production"
    assert naming.storage_account(short, group) == "stmlwchurnepjayswd4q"
    assert naming.key_vault(short, group) == "kv-mlw-churn-epjayswd4q"
    assert naming.container_registry(short, group) == "crmlwchurnepjayswd4q"
    assert naming.storage_account(long, group) == "stmlwcustomercnm9317m7zb"
    assert naming.key_vault(long, group) == "kv-mlw-custom-nm9317m7zb"
    assert naming.log_analytics(short) == "log-mlw-churn"
    assert naming.release("main", "85944f95aabb") == "main-85944f95"
