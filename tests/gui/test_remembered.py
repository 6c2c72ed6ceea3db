"""What the window looks like again after it was closed."""

import pytest

from fs_browser import theme


@pytest.fixture
def again(show, spool):
    """Closes a window and shows the next one of the same person."""

    def _again(window):
        window.close()
        return show(spool)

    return _again


def test_words_and_states_of_the_filter_are_remembered(show, spool, publish, again):
    publish(name="shot")
    publish(name="other")
    window = show(spool)
    window.jobs.search.setText("shot, two")
    window.jobs.bar.choose(["failed", "cancelled"])
    window = again(window)
    assert window.jobs.search.text() == "shot, two"
    assert window.jobs.bar.chosen() == ["failed", "cancelled"]
    assert window.desk.jobs.rowCount() == 0


def test_a_single_state_is_remembered_as_one(show, spool, again):
    window = show(spool)
    window.jobs.bar.choose(["held"])
    assert again(window).jobs.bar.chosen() == ["held"]


def test_no_state_at_all_is_remembered_as_none(show, spool, again):
    window = show(spool)
    window.jobs.bar.choose([])
    assert again(window).jobs.bar.chosen() == []


def test_the_page_is_remembered(show, spool, again):
    window = show(spool)
    window.tabs.setCurrentIndex(1)
    assert again(window).tabs.currentIndex() == 1


def test_how_jobs_and_chunks_share_the_room_is_remembered(show, spool, again):
    window = show(spool)
    window.resize(1200, 900)
    high = window.jobs.split.height()
    window.jobs.split.setSizes([high // 4, high - high // 4])
    jobs, chunks = window.jobs.split.sizes()
    assert jobs < chunks
    window = again(window)
    jobs, chunks = window.jobs.split.sizes()
    assert jobs < chunks


def test_docks_that_were_shown_and_closed_stay_so(show, spool, again):
    window = show(spool)
    window.log_dock.bring()
    window.preview_dock.hide()
    window = again(window)
    assert window.log_dock.isVisible()
    assert not window.preview_dock.isVisible()


def test_a_column_that_was_hidden_stays_hidden(show, spool, publish, again):
    publish(name="shot", pool=("gpu",))
    window = show(spool)
    view = window.jobs.jobs
    pool = view.column("pool")
    assert not view.isColumnHidden(pool)
    view.show_column(pool, is_on=False)
    view = again(window).jobs.jobs
    assert view.isColumnHidden(pool)


@pytest.mark.parametrize(("lines", "is_there"), [(90, True), (50, False)])
def test_frames_stand_beside_the_jobs_at_first_where_there_is_room(
    show, spool, qapp, lines, is_there
):
    window = show(spool, width=round(theme.em(qapp) * lines))
    assert window.preview_dock.isVisible() is is_there


def test_the_sheet_of_frames_stays_a_sheet(show, spool, again):
    window = show(spool)
    window.preview.all.setChecked(True)
    assert again(window).preview.all.isChecked()


def test_whether_long_lines_of_a_log_break_is_remembered(show, spool, again):
    window = show(spool)
    assert window.log.wrap.isChecked()
    window.log.wrap.setChecked(False)
    window = again(window)
    assert not window.log.wrap.isChecked()
    window.log.wrap.setChecked(True)
    assert again(window).log.wrap.isChecked()
