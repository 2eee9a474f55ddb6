"""Behaviour of delivery: exactly once, whole batches, the truth about dead processes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from chiplog.core.records import Batch, ParamsLogged, RunStarted, RunUpdated
from chiplog.core.stores import StaleCursor
from chiplog.testing.store_kit.pen import START, Behaviour, Pen, columns

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore


class DeliveryBehaviour(Behaviour):
    """Cursors, dead processes, several writers."""

    def test_a_batch_is_applied_exactly_once(self, store: TrackingStore, pen: Pen) -> None:
        """A batch that is not the journal's next says where the journal stands."""
        run_id = pen.run(status=None)
        at = pen.position
        assert store.cursor(pen.journal_id) == at
        batch = Batch(pen.journal_id, at, at + 64, [], [columns(run_id, "m", [0], [0], [1.0])])
        store.apply(batch)
        for wrong in (batch, Batch(pen.journal_id, at + 96, at + 128, [], [])):
            with pytest.raises(StaleCursor) as caught:
                store.apply(wrong)
            assert caught.value.position == at + 64
        (points,) = store.get_points(run_id, "m")
        assert len(points) == 1
        assert store.cursor("another journal") == 0

    def test_journals_are_delivered_independently(self, store: TrackingStore) -> None:
        """Each has a cursor of its own; runs may be written by several."""
        one, two = Pen(store, "one"), Pen(store, "two")
        run_id = one.run(status=None)
        two.write(ParamsLogged(run_id, params={"from": "two"}))
        one.write(points=[columns(run_id, "m", [0], [0], [1.0])])
        assert store.get_run(run_id).data.params == {"from": "two"}
        assert store.cursor("one") == one.position
        assert store.cursor("two") == two.position

    def test_runs_of_a_dead_process_are_marked(self, store: TrackingStore, pen: Pen) -> None:
        """KILLED, ended when last seen, with the reason and the last step."""
        dead = pen.run(status=None)
        pen.write(points=[columns(dead, "loss", [7], [START + 2000], [0.1])])
        ended = pen.run()
        pen.write(
            RunStarted("lasting", experiment_id="0", user_id="", start_time=1, name="", owned=False)
        )
        assert store.mark_dead(pen.journal_id, START + 9000, "the process died") == [dead]
        run = store.get_run(dead)
        assert (run.info.status, run.info.end_time) == ("KILLED", START + 9000)
        reason = run.data.tags["chiplog.exit.reason"]
        assert reason == "the process died (last seen at step 7 of loss)"
        assert store.get_run(ended).info.status == "FINISHED"
        assert store.get_run("lasting").info.status == "RUNNING"
        assert store.mark_dead(pen.journal_id, START + 9000, "the process died") == []

    def test_no_run_of_a_dead_process_ends_before_what_is_known_of_it(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """Its start, and the latest point of the process; a point in the future is not believed."""
        logged, late = pen.run(status=None), pen.run(status=None)
        pen.write(points=[columns(logged, "loss", [7], [START + 1500], [0.1])])
        pen.write(points=[columns(logged, "odd", [0], [1 << 60], [0.1])])
        assert sorted(store.mark_dead(pen.journal_id, 5, "the process died")) == [logged, late]
        assert store.get_run(logged).info.end_time == START + 1500
        assert store.get_run(late).info.end_time == START + 2000  # when it started

    def test_a_run_resumed_elsewhere_lives_on(self, store: TrackingStore) -> None:
        """It belongs to the journal that resumed it last."""
        first, second = Pen(store, "first"), Pen(store, "second")
        run_id = first.run(status=None)
        second.write(RunUpdated(run_id, status="RUNNING", owned=True))
        assert store.mark_dead("first", START, "the process died") == []
        assert store.get_run(run_id).info.status == "RUNNING"
        assert store.mark_dead("second", START, "the process died") == [run_id]

    def test_threads_that_write_at_once_lose_nothing(self, store: TrackingStore) -> None:
        """Each a journal of its own, into one run and one metric."""
        run_id = Pen(store, "main").run(status=None)
        errors: list[BaseException] = []

        def write(number: int) -> None:
            pen = Pen(store, f"thread {number}")
            try:
                for step in range(20):
                    pen.write(points=[columns(run_id, "m", [step], [step], [number])])
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        (points,) = store.get_points(run_id, "m")
        assert sorted(points.values.tolist()) == sorted([0.0, 1.0, 2.0, 3.0] * 20)
        (summary,) = store.get_metric_summaries(run_id)
        assert (summary.count, summary.latest_step) == (80, 19)

    def test_what_was_applied_can_be_made_safe(self, store: TrackingStore, pen: Pen) -> None:
        """Before, in between and twice: sync never fails for want of something to do."""
        store.sync()
        pen.run()
        store.sync()
        store.sync()
