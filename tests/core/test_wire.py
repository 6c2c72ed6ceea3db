"""What goes over the local socket: every line has one meaning or one clear refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import wire
from renderd.core.wire import BadRequest, Event, Failure, Kind, Op, Reply, Request
from renderd.errors import WireError

JID = "k2p2x7abcd"
ARGS = {
    "job": st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=10, max_size=10),
    "chunk": st.integers(1, 999_999),
    "attempt": st.integers(1, 999),
    "tail": st.integers(1, wire.MAX_TAIL),
    "until": st.floats(0, 1e10),
    "for": st.floats(0, 1e10),
    "now": st.booleans(),
    "when": st.sampled_from(["always", "away", "off-hours", "never", "configured"]),
    "away": st.floats(0, 1e10),
    "office": st.sampled_from(["mon-fri 9:00-18:00", "22-6"]),
    "idle": st.floats(0, 1e10),
    "by": st.text("abc @é", min_size=1, max_size=30),
}
NEEDED = {
    Op.CHUNKS: ("job",),
    Op.LOG: ("job", "chunk", "attempt", "tail"),
    Op.FOLLOW: ("job", "chunk"),
    Op.PAUSE: ("until", "by"),
    Op.QUIT: ("now",),
    Op.COURTESY: ("when", "away", "office", "by"),
    Op.PRESENCE: ("idle",),
    Op.KILL: ("job", "chunk", "by"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@st.composite
def requests(draw):
    op = draw(st.sampled_from(Op))
    args = {name: draw(ARGS[name]) for name in NEEDED.get(op, ())}
    return Request(op, args, draw(st.integers(0, 2**40)))


@given(requests())
def test_a_request_comes_back_as_it_was_sent(request_):
    line = wire.encode_request(request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.decode_request(line) == request_


@given(st.integers(0, 9), JSON, st.sampled_from([None, *Event]))
def test_a_reply_comes_back_as_it_was_sent(id_, value, event):
    reply = Reply(id_, value, event)
    assert wire.decode_answer(wire.encode_answer(reply)) == reply


@pytest.mark.parametrize("kind", Kind)
def test_a_failure_comes_back_with_its_kind_and_exit_status(kind):
    failure = Failure(3, kind, "no", "do", 10)
    assert wire.decode_answer(wire.encode_answer(failure)) == failure


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused_with_a_failure(data):
    try:
        wire.decode_request(data)
    except BadRequest as bad:
        wire.encode_answer(bad.failure)


@given(st.dictionaries(st.sampled_from(["v", "id", "op", "args"]), JSON))
def test_any_object_is_a_request_or_refused_with_a_failure(value):
    try:
        wire.from_object(value)
    except BadRequest as bad:
        wire.encode_answer(bad.failure)


def line(**changes):
    return json.dumps({"v": 1, "id": 5, "op": "status", **changes}).encode() + b"\n"


def refused(data):
    with pytest.raises(BadRequest) as caught:
        wire.decode_request(data)
    return caught.value


def test_another_version_is_told_which_one_is_spoken_under_its_own_id():
    bad = refused(line(v=2))
    assert bad.failure.kind is Kind.VERSION
    assert bad.failure.id == 5
    assert "version 1" in bad.failure.message
    assert not bad.is_fatal


def test_a_line_without_a_version_is_refused():
    assert refused(b'{"id": 1, "op": "status"}\n').failure.kind is Kind.VERSION


def test_a_mistyped_op_is_answered_with_the_nearest_one():
    bad = refused(line(op="staus"))
    assert bad.failure.kind is Kind.UNKNOWN_OP
    assert "status" in bad.failure.remedy


@pytest.mark.parametrize("bad", [b"", b"\n", b"[1]\n", b"nonsense\n", b"[" * 60_000, b"\xff\n"])
def test_what_is_no_object_ends_the_connection(bad):
    assert refused(bad).failure.kind is Kind.NOT_JSON
    assert refused(bad).is_fatal


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1", "true", '"soon"'])
def test_a_pause_until_no_time_is_refused(number):
    text = f'{{"v": 1, "id": 1, "op": "pause", "args": {{"until": {number}}}}}'
    assert refused(text.encode()).failure.kind in (Kind.ARGUMENT, Kind.NOT_JSON)


@pytest.mark.parametrize("jid", ["../../etc", "", 7, "k2p2x7abcd/", "K2P2X7ABCD", None])
def test_a_job_is_named_by_its_id_alone(jid):
    assert refused(line(op="chunks", args={"job": jid})).failure.kind is Kind.ARGUMENT


def test_a_request_without_a_needed_argument_is_told_which():
    assert "'chunk'" in refused(line(op="kill", args={"job": JID})).failure.message


def test_arguments_that_are_not_known_are_ignored():
    request = wire.decode_request(line(args={"colour": "blue"}))
    assert request == Request(Op.STATUS, {}, 5)


def test_a_line_beyond_the_limit_is_refused_before_it_is_read():
    data = line(args={"x": "y" * wire.MAX_REQUEST})
    assert refused(data).failure.kind is Kind.TOO_LONG


def test_a_reply_beyond_the_limit_is_not_made():
    with pytest.raises(WireError):
        wire.encode_answer(Reply(1, "x" * wire.MAX_REPLY))


def test_the_longest_log_fits_a_reply_even_where_every_byte_is_escaped():
    wire.encode_answer(Reply(1, {"text": "\x1b" * wire.MAX_TAIL}))


def test_a_text_that_has_no_utf8_still_travels():
    reply = Reply(1, "file\udcff")
    assert wire.decode_answer(wire.encode_answer(reply)) == reply


def test_an_answer_of_a_later_protocol_is_named():
    with pytest.raises(WireError, match="version 9"):
        wire.decode_answer(b'{"v": 9, "id": 1, "value": 1}\n')
