from keras_deid.progress import Counter


def test_units_are_added_up():
    reported = []
    counter = Counter(lambda *progress: reported.append(progress), 5, "maps")
    for units in (2, 3):
        counter.add(units)
    assert reported == [(2, 5, "maps"), (5, 5, "maps")]
