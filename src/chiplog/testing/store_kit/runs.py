"""Behaviour of runs and what they record, metrics aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
)
from chiplog.core.errors import NotFound
from chiplog.core.records import (
    DocumentAttached,
    InputsLogged,
    OutputsLogged,
    ParamsLogged,
    RunRecorded,
    RunStarted,
    RunUpdated,
    TagDeleted,
    TagsSet,
)
from chiplog.testing.store_kit.pen import START, Behaviour, Pen, columns

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore


class RunBehaviour(Behaviour):
    """Starting, recording in, ending, deleting runs."""

    def test_a_run_reads_back_as_it_was_recorded(self, store: TrackingStore, pen: Pen) -> None:
        """Long, empty and strange texts included."""
        params = {"empty": "", "long": "p" * 6000, "quote": 'it\'s "x" `y` %_', "ü/é": "日本\n\t"}
        tags = {"long": "t" * 8000, "snow": "☃😀"}
        run_id = pen.run(name="first", params=params, tags=tags, metrics={"loss": 0.25})
        run = store.get_run(run_id)
        assert run.info.run_name == "first"
        assert (run.info.status, run.info.user_id) == ("FINISHED", "ada")
        assert (run.info.start_time, run.info.end_time) == (START + 1000, START + 1500)
        assert run.info.experiment_id == "0"
        assert run.data.params == params
        assert run.data.tags == {**tags, "mlflow.runName": "first"}
        assert run.data.metrics == {"loss": 0.25}

    def test_an_artifact_uri_lies_below_the_experiments(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """``<location>/<run id>/artifacts``."""
        experiment = store.create_experiment("e", "/own/place", {})
        run_id = pen.run(experiment_id=experiment)
        assert store.get_run(run_id).info.artifact_uri == f"/own/place/{run_id}/artifacts"

    def test_an_unknown_run_is_not_found(self, store: TrackingStore) -> None:
        """Whatever is asked of it."""
        for ask in (
            lambda: store.get_run("none"),
            lambda: store.delete_run("none"),
            lambda: store.restore_run("none"),
            lambda: store.get_points("none", "loss"),
            lambda: store.get_metric_summaries("none"),
            lambda: store.get_document("none", "receipt"),
        ):
            with pytest.raises(NotFound, match="none"):
                ask()

    def test_a_whole_run_is_recorded_in_one_piece(self, store: TrackingStore, pen: Pen) -> None:
        """As if it had been recorded step by step."""
        data = DatasetInput(Dataset("d", "1", "code", "{}"), [])
        record = RunRecorded(
            "whole",
            experiment_id="0",
            user_id="bob",
            start_time=START,
            end_time=START + 9,
            status="FAILED",
            name="candidate",
            tags={"mlflow.parentRunId": "p"},
            params={"depth": "3"},
            metrics={"score": 0.5},
            datasets=[data],
        )
        assert pen.write(record) == []
        run = store.get_run("whole")
        assert (run.info.status, run.info.end_time) == ("FAILED", START + 9)
        assert run.data.params == {"depth": "3"}
        assert run.data.metrics == {"score": 0.5}
        assert run.inputs.dataset_inputs == [data]
        assert [len(points) for points in store.get_points("whole", "score")] == [1]

    def test_a_changed_param_is_refused_alone(self, store: TrackingStore, pen: Pen) -> None:
        """The others of the same record stay; the same value again is no change."""
        run_id = pen.run(params={"a": "1", "b": "2"}, status=None)
        refused = pen.write(ParamsLogged(run_id, params={"a": "1", "b": "3", "c": "4"}))
        assert [(item.run_id, "'b'" in item.what) for item in refused] == [(run_id, True)]
        assert "'2'" in refused[0].reason
        assert store.get_run(run_id).data.params == {"a": "1", "b": "2", "c": "4"}

    def test_a_param_changed_within_a_batch_is_refused(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """The first value stays."""
        run_id = pen.run(status=None)
        refused = pen.write(
            ParamsLogged(run_id, params={"a": "1"}), ParamsLogged(run_id, params={"a": "2"})
        )
        assert len(refused) == 1
        assert store.get_run(run_id).data.params == {"a": "1"}

    def test_tags_are_set_replaced_and_removed_in_order(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """Within a batch, and from batch to batch."""
        run_id = pen.run(tags={"a": "1", "b": "1", "c": "1"}, status=None)
        assert not pen.write(
            TagsSet(run_id, tags={"a": "2"}),
            TagDeleted(run_id, key="b"),
            TagDeleted(run_id, key="c"),
            TagsSet(run_id, tags={"c": "3"}),
            TagDeleted(run_id, key="never set"),
        )
        tags = store.get_run(run_id).data.tags
        assert {key: tags.get(key) for key in "abc"} == {"a": "2", "b": None, "c": "3"}

    def test_name_and_name_tag_are_one(self, store: TrackingStore, pen: Pen) -> None:
        """Whichever is set, both change."""
        run_id = pen.run(name="one", status=None)
        pen.write(TagsSet(run_id, tags={"mlflow.runName": "two"}))
        assert store.get_run(run_id).info.run_name == "two"
        pen.write(RunUpdated(run_id, name="three"))
        run = store.get_run(run_id)
        assert (run.info.run_name, run.data.tags["mlflow.runName"]) == ("three", "three")

    def test_an_update_changes_only_what_it_names(self, store: TrackingStore, pen: Pen) -> None:
        """A resumed run keeps its old end, as MLflow's does."""
        run_id = pen.run(name="n")
        pen.write(RunUpdated(run_id, status="RUNNING", owned=True))
        info = store.get_run(run_id).info
        assert (info.status, info.end_time, info.run_name) == ("RUNNING", START + 1500, "n")

    def test_records_of_an_unknown_run_are_refused(self, pen: Pen) -> None:
        """And of an unknown experiment; nothing raises."""
        refused = pen.write(
            ParamsLogged("nobody", params={"a": "1"}),
            RunStarted("lost", experiment_id="999", user_id="", start_time=0, name=""),
            points=[columns("nobody", "m", [0], [0], [1.0])],
        )
        assert {item.run_id for item in refused} == {"nobody", "lost"}
        assert len(refused) == 3

    def test_a_run_introduced_by_a_child_is_the_parents_run(self, store: TrackingStore) -> None:
        """Whichever journal comes first: one run, the owner's tags, the owner's death."""
        given: dict[str, Any] = {
            "experiment_id": "0",
            "user_id": "ada",
            "start_time": 5,
            "name": "n",
        }
        point = {"points": [columns("shared", "m", [0], [0], [1.0])]}
        child, parent = Pen(store, "child"), Pen(store, "parent")
        assert child.write(RunStarted("shared", **given, owned=False), **point) == []
        assert parent.write(RunStarted("shared", **given, tags={"from": "parent"})) == []
        assert child.write(RunStarted("shared", **given, owned=False, tags={"from": "x"})) == []
        run = store.get_run("shared")
        assert run.data.tags == {"from": "parent", "mlflow.runName": "n"}
        assert run.data.metrics == {"m": 1.0}
        assert store.mark_dead("child", 9, "the process died") == []
        assert store.mark_dead("parent", 9, "the process died") == ["shared"]

    def test_a_deleted_run_takes_no_records(self, store: TrackingStore, pen: Pen) -> None:
        """Until it is restored; the rest of the batch is applied."""
        gone, there = pen.run(), pen.run()
        store.delete_run(gone)
        assert store.get_run(gone).info.lifecycle_stage == "deleted"
        refused = pen.write(
            ParamsLogged(gone, params={"a": "1"}), ParamsLogged(there, params={"a": "1"})
        )
        assert [item.run_id for item in refused] == [gone]
        assert store.get_run(there).data.params == {"a": "1"}
        store.restore_run(gone)
        assert pen.write(ParamsLogged(gone, params={"a": "1"})) == []
        assert store.get_run(gone).info.lifecycle_stage == "active"

    def test_inputs_and_outputs_are_kept_once(self, store: TrackingStore, pen: Pen) -> None:
        """Logging the same again changes nothing."""
        run_id = pen.run(status=None)
        train = DatasetInput(
            Dataset("iris", "abc", "code", "{}", "{}", '{"rows": 150}'),
            [InputTag("mlflow.data.context", "train")],
        )
        read = InputsLogged(run_id, datasets=[train], models=[LoggedModelInput("m-1")])
        written = OutputsLogged(run_id, models=[LoggedModelOutput("m-2", 3)])
        for _ in range(2):
            assert pen.write(read, written) == []
        run = store.get_run(run_id)
        assert run.inputs.dataset_inputs == [train]
        assert run.inputs.model_inputs == [LoggedModelInput("m-1")]
        assert run.outputs.model_outputs == [LoggedModelOutput("m-2", 3)]

    def test_the_latest_document_of_a_name_is_read(self, store: TrackingStore, pen: Pen) -> None:
        """Bytes as they are; None for a name that was never attached."""
        run_id = pen.run()
        body = bytes(range(256)) * 100
        pen.write(DocumentAttached(run_id, name="receipt", body=b"{}"))
        pen.write(
            DocumentAttached(run_id, name="receipt", body=b"old"),
            DocumentAttached(run_id, name="receipt", body=body),
        )
        assert store.get_document(run_id, "receipt") == body
        assert store.get_document(run_id, "failure") is None
