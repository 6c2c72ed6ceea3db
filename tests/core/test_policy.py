"""The one predicate: who may take what, and why not, in words."""

from dataclasses import replace

import pytest

from renderd.core import policy
from renderd.core.chunk import Chunk
from renderd.core.frames import Run
from renderd.core.infofile import Info
from renderd.core.job import Job
from renderd.core.names import Ticket
from renderd.core.needs import Needs
from renderd.core.policy import Able, Terms

NODE = Able(name="ws07", inc="ws07-00000001", ram_bytes=16 << 30, blenders=("3.4.1",))
PLAIN = Info(commands=(("prog",),))
BLENDER = Info(commands=(("blender", "-b", "/p/x.blend", "-a"),))


def job(info: Info = PLAIN, **extra: str) -> Job:
    pairs = tuple((k.replace("_", "-"), v) for k, v in extra.items())
    return Job(jid="abcdefghij", info=replace(info, extra=pairs), chunks=10)


def why(node: Able = NODE, wanted: Job | None = None, terms: Terms | None = None) -> str:
    return policy.why_not(node, wanted or job(), terms or Terms())


def test_a_plain_job_runs_anywhere() -> None:
    assert why() == ""


@pytest.mark.parametrize(
    ("info", "says"),
    [
        (replace(PLAIN, pool=("gpu", "fast")), "pool gpu or fast"),
        (replace(PLAIN, needs=Needs(ram=32 << 30)), "needs 32 GB"),
        (replace(PLAIN, needs=Needs(gpu=True)), "no GPU"),
        (replace(PLAIN, needs=Needs(tags=("nuke",))), "no tag nuke"),
        (replace(BLENDER, needs=Needs(blender=">=4.2")), "needs >=4.2"),
    ],
)
def test_what_a_node_lacks_is_named(info: Info, says: str) -> None:
    assert says in why(wanted=job(info))


@pytest.mark.parametrize(
    "wanted",
    [
        job(replace(PLAIN, commands=(("prog", "--in={mac}/a"),))),
        job(replace(PLAIN, blend="{mac}/a.blend")),
        replace(job(), out="{mac}/o_####"),
    ],
)
def test_a_node_without_a_path_root_leaves_the_job_that_needs_it(wanted: Job) -> None:
    assert (
        why(replace(NODE, lacks=frozenset({"mac"})), wanted) == "has no path for {mac} in farm.toml"
    )
    assert why(NODE, wanted) == ""


@pytest.mark.parametrize(
    "wanted",
    [
        job(replace(PLAIN, blend="{mac}/a.blend")),
        job(replace(PLAIN, env=(("OCIO", "{mac}/config.ocio"),))),
    ],
)
def test_a_root_that_is_not_there_now_keeps_away_what_needs_it(wanted: Job) -> None:
    node = replace(NODE, unseen={"mac": "/mnt/mac is empty: is its share mounted?"})
    said = "does not see {mac}: /mnt/mac is empty: is its share mounted?"
    assert why(node, wanted) == said
    assert policy.unfit_for(node, wanted, Terms()) == said
    assert why(node, job(replace(PLAIN, blend="{{mac}}/a.blend"))) == ""


def test_the_farms_script_folder_matters_to_blender_alone() -> None:
    node = replace(NODE, unseen={policy.SCRIPTS: "/p/scripts is not there"})
    assert why(node, job(BLENDER)) == (
        "does not see the script folder of farm.toml: /p/scripts is not there"
    )
    assert why(node) == ""


def test_memory_that_is_not_free_now_is_no_reason_for_ever() -> None:
    node = replace(NODE, ram_free=int(3.19 * 2**30))
    wanted = job(replace(PLAIN, needs=Needs(ram=8 << 30)))
    assert why(node, wanted) == "has 3.1 GB of 16 GB free now, the job needs 8 GB"
    assert policy.unfit_for(node, wanted, Terms()) == ""
    assert why(replace(node, ram_free=8 << 30), wanted) == ""
    assert why(replace(node, ram_free=-5)) == ""
    larger = Terms(ram=20 << 30)
    assert why(node, wanted, larger) == "has 16 GB of memory, the job needs 20 GB"
    assert policy.unfit_for(node, wanted, larger) == "has 16 GB of memory, the job needs 20 GB"


def test_a_file_newer_than_every_blender_here_is_not_taken() -> None:
    assert "saved with 4.5" in why(wanted=job(BLENDER, x_blend_version="4.5"))
    assert why(wanted=job(BLENDER, x_blend_version="3.4")) == ""
    both = replace(NODE, blenders=("3.4.1", "4.5.2"))
    assert why(both, job(BLENDER, x_blend_version="4.5")) == ""


def test_a_file_wants_its_own_blender_and_says_how_to_take_others() -> None:
    own = replace(BLENDER, needs=Needs(blender="==3.6"))
    assert why(wanted=job(own, x_blend_version="3.6")) == (
        "has Blender 3.4.1, the job needs 3.6 (the file's own; --blender any takes others)"
    )
    assert why(replace(NODE, blenders=("3.6.9",)), job(own, x_blend_version="3.6")) == ""
    takes_any = replace(BLENDER, needs=Needs(blender="any"))
    assert why(wanted=job(takes_any, x_blend_version="2.79")) == ""
    assert "saved with 3.6" in why(wanted=job(takes_any, x_blend_version="3.6"))


def test_one_blender_must_be_both_what_the_job_asks_and_not_older_than_its_file() -> None:
    both = replace(NODE, blenders=("4.5.2", "3.4.1"))
    wanted = job(replace(BLENDER, needs=Needs(blender="<4")), x_blend_version="3.6")
    reason = "has Blender 4.5.2, 3.4.1, the job needs <4 and the file was saved with 3.6"
    assert why(both, wanted) == reason
    assert why(replace(both, blenders=("3.6.1", "4.5.2")), wanted) == ""


def test_a_fault_of_all_blenders_that_fit_keeps_the_job_away() -> None:
    lacks = "lacks the add-on 'x' in Blender 3.4"
    node = replace(NODE, blenders=("4.5.2", "3.4.1"), faults={"3.4.1": lacks})
    assert why(node, job(replace(BLENDER, needs=Needs(blender="<4")))) == lacks
    assert why(node, job(BLENDER)) == ""
    assert why(node, job()) == ""


def test_what_a_node_is_still_finding_out_is_said() -> None:
    wanted = job(replace(PLAIN, needs=Needs(gpu=True)))
    assert why(replace(NODE, knows_gpus=False), wanted) == "is still finding out which GPUs it has"
    assert "finding out" in why(replace(NODE, knows_blenders=False), job(BLENDER))


def test_a_resting_node_says_so_first() -> None:
    assert why(replace(NODE, resting="is paused by artist")) == "is paused by artist"


def test_all_lists_of_programs_must_allow() -> None:
    assert why(replace(NODE, programs=(("prog",), ()))) == ""
    assert "does not allow" in why(replace(NODE, programs=(("prog",), ("blender",))))
    wanted = job(Info(commands=(("/tmp/evil/prog",),)))
    assert "does not allow" in why(replace(NODE, programs=(("prog",),)), wanted)


def test_a_job_avoids_a_node_after_three_failures_there() -> None:
    assert why(terms=Terms(failures_here=2)) == ""
    assert "failed 3 times" in why(terms=Terms(failures_here=3))


def test_a_blocked_host_does_not_take_it_under_any_incarnation() -> None:
    assert "blocked" in why(terms=Terms(blocked=frozenset({"ws07"})))


def test_a_full_job_takes_no_further_node_but_keeps_its_own() -> None:
    assert "its limit is 1" in why(terms=Terms(nodes=1, owners=frozenset({"ws01-00000001"})))
    assert why(terms=Terms(nodes=1, owners=frozenset({NODE.inc}))) == ""


def test_what_control_says_goes_before_the_job() -> None:
    wanted = job(replace(PLAIN, pool=("gpu",)))
    assert why(wanted=wanted, terms=Terms(pool=())) == ""
    assert "needs 64 GB" in why(terms=Terms(ram=64 << 30))


def test_needs_that_control_says_stand_in_place_of_the_jobs_own() -> None:
    wanted = job(replace(PLAIN, needs=Needs(gpu=True, tags=("fast",), blender="==2.7")))
    assert why(wanted=wanted) != ""
    assert why(wanted=wanted, terms=Terms(needs=Needs())) == ""
    assert "has no tag slow" in why(terms=Terms(needs=Needs(tags=("slow",))))
    asked = Terms(needs=Needs(ram=1 << 30), ram=64 << 30)
    assert "needs 64 GB" in why(terms=asked)  # what attempts taught holds all the same


def test_the_highest_priority_is_first_then_the_oldest() -> None:
    tickets = [Ticket(50, jid, 0, "x") for jid in ("c" * 10, "a" * 10)] + [
        Ticket(70, "b" * 10, 0, "x")
    ]
    born = {"a" * 10: 2, "b" * 10: 9, "c" * 10: 1}
    assert [t.jid[0] for t in policy.order(tickets, born)] == ["b", "c", "a"]


def failed(n: int, host: str = "ws07") -> list[Chunk]:
    return [
        Chunk(i, Run(i, i)).claimed(f"{host}{i if host == 'h' else ''}-00000001", "aaaa").given_up()
        for i in range(1, n + 1)
    ]


def test_a_job_stops_itself_at_a_tenth_failed_but_not_for_one() -> None:
    assert policy.why_stop(failed(2), 10) == ""
    assert "3 of 10 chunks failed" in policy.why_stop(failed(3), 10)
    assert policy.why_stop(failed(9), 100) == ""
    assert policy.why_stop(failed(10), 100) != ""


def test_a_job_stops_itself_when_its_first_three_hosts_fail() -> None:
    assert "first 3 hosts" in policy.why_stop(failed(3, "h"), 100)


def test_a_job_that_has_ended_need_not_stop() -> None:
    assert policy.why_stop(failed(4), 4) == ""


def test_a_job_of_which_nothing_waits_is_left_to_end_by_itself() -> None:
    running = Chunk(4, Run(4, 4)).claimed("h4-00000001", "aaaa")
    assert policy.why_stop([*failed(3, "h"), running], 4) == ""
    assert "3 of 5" in policy.why_stop([*failed(3, "h"), running], 5)


def test_what_a_person_forgave_stops_it_no_more() -> None:
    assert policy.why_stop(failed(3), 10, forgiven=3) == ""
    assert policy.why_stop(failed(4), 10, forgiven=3) != ""


def test_the_highest_nonces_give_back() -> None:
    def run(inc: str, nonce: str, index: int) -> Chunk:
        return Chunk(index, None).claimed(inc, nonce)

    running = [
        run("a-00000001", "mmmm", 1),
        run("b-00000001", "aaaa", 2),
        run("c-00000001", "zzzz", 3),
    ]
    assert policy.surplus(running, 2) == {"c-00000001"}
    assert policy.surplus(running, 3) == set()


def test_a_movie_needs_a_node_with_ffmpeg_and_other_jobs_do_not() -> None:
    movie = job(replace(PLAIN, commands=(("ffmpeg", "-i", "x", "y.mp4"),)))
    poor = replace(NODE, has_ffmpeg=False)
    assert (why(poor, movie), why(NODE, movie), why(poor)) == ("has no ffmpeg", "", "")
