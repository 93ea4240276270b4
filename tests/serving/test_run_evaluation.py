"""What a model card takes from an evaluation that somebody may have edited."""

import json

from keras_deid.errors import UserError
from keras_deid.serving.model_card import _metric_table
from keras_deid.serving.run_evaluation import metrics_of, read_evaluation

from ..mutations import mutations
from .conftest import EVALUATION


def test_however_it_is_edited_the_card_is_written_or_it_is_refused_in_one_line(tmp_path):
    path = tmp_path / "evaluation.json"
    said = {}
    content = {**EVALUATION, "inputs": EVALUATION["baselines"], "data": {"fingerprint": "f"}}
    for name, mutated in mutations(content):
        path.write_text(json.dumps(mutated))
        try:
            assert list(_metric_table(metrics_of(read_evaluation(tmp_path)))), name
        except UserError as error:
            said[name] = str(error)
            assert len(said[name].splitlines()) == 1, name
    mend = "evaluate the run again, or delete the file"
    assert said["restored.psnr = 'x'"] == f"{path}: restored.psnr: input should be a valid number, received 'x'; {mend}"
    assert "without restored" not in said
