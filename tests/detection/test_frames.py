from sedrepro.detection.frames import frames_within


def test_a_frame_belongs_to_its_clip_if_it_starts_before_the_end():
    # Frames of 0.5 s: one that starts at the very end is behind it, one that the end cuts is not.
    assert frames_within(4, 2, [1.0, 1.1, 9.0, 0.0]).tolist() == [
        [True, True, False, False],
        [True, True, True, False],
        [True] * 4,
        [False] * 4,
    ]
