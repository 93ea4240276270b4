from benchmarks.linked_photos import link_photos


def test_photos_of_one_name_keep_their_order(tmp_path):
    photos = [tmp_path / "b" / "photo.jpg", tmp_path / "a" / "photo.jpg", tmp_path / "a" / "other.png"]
    for photo in photos:
        photo.parent.mkdir(exist_ok=True)
        photo.write_text(str(photo))
    linked = link_photos(photos, tmp_path)
    assert sorted(path.name for path in linked.iterdir()) == ["000000.jpg", "000001.jpg", "000002.png"]
    assert [path.read_text() for path in sorted(linked.iterdir())] == [str(photo) for photo in photos]
