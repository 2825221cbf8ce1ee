import numpy as np

from app.conversation.vocabulary import Place, Silence
from models.evaluation.scores import as_it_came, match_silences, score_seats


def test_the_wait_for_a_block_counts() -> None:
    assert as_it_came(np.arange(8, dtype=np.float32)).tolist() == [0, 0, 0, 3, 3, 3, 3, 7]


def test_hearing_all_right_scores_full_and_swapping_seats_scores_nothing() -> None:
    truth = np.zeros((1000, 2), np.bool_)
    truth[100:400, 0] = truth[350:800, 1] = True
    right, swapped = score_seats(truth, truth), score_seats(truth[:, ::-1], truth)
    assert (right.exact, right.wrong, right.error, right.overlap_f1, right.share_error) == (1, 0, 0, 1, 0)
    assert swapped.exact == 0
    assert swapped.wrong == 1


def test_abstaining_is_wrong_but_no_confusion() -> None:
    truth = np.zeros((100, 2), np.bool_)
    truth[:50, 0] = True
    scores = score_seats(np.zeros_like(truth), truth)
    assert (scores.exact, scores.wrong, scores.error) == (0, 0, 1)


def test_a_silence_is_found_when_it_overlaps_by_half() -> None:
    true = [Silence(start, end, 0, 1, Place.GAP) for start, end in ((0, 400), (1000, 1100), (2000, 2400))]
    heard = [Silence(start, end, 0, 1, Place.GAP) for start, end in ((50, 420), (2300, 2700))]
    assert match_silences(heard, true) == (1, 2, 2)
