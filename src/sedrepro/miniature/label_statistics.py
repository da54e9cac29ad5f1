"""How often and how long events last in official label tables: numbers that the miniature data sets are drawn from."""

from dataclasses import dataclass

QUANTILES = tuple(range(0, 101, 10))  # per cent


@dataclass(frozen=True)
class Occurrence:
    """How one class occurs in an official table of strong labels."""

    clips: tuple[int, ...]
    """Clips with exactly 1, 2, ... events of the class."""
    durations: tuple[float, ...]
    """Quantiles of the events' durations (s), at `QUANTILES`."""


# Computed from train/synthetic.tsv of DCASE 2019 Task 4.
DOMESTIC_SYNTHETIC: dict[str, Occurrence] = {
    "Alarm_bell_ringing": Occurrence(
        (175, 125, 54, 27, 7, 3, 1), (0.25, 0.25, 0.313, 0.317, 0.321, 0.379, 0.519, 0.855, 1.959, 2.684, 9.724)
    ),
    "Blender": Occurrence((343, 82, 11), (0.252, 0.627, 0.878, 1.028, 1.225, 1.615, 2.116, 2.856, 4.483, 6.093, 9.811)),
    "Cat": Occurrence(
        (118, 78, 47, 24, 6, 1), (0.25, 0.52, 0.635, 0.782, 0.826, 0.879, 0.965, 1.092, 1.274, 1.708, 6.668)
    ),
    "Dishes": Occurrence(
        (244, 107, 43, 28, 17, 5), (0.25, 0.25, 0.25, 0.25, 0.304, 0.371, 0.492, 0.579, 0.771, 1.354, 2.894)
    ),
    "Dog": Occurrence(
        (199, 66, 37, 12, 4, 1), (0.25, 0.263, 0.3, 0.355, 0.416, 0.481, 0.742, 1.072, 1.497, 2.255, 6.83)
    ),
    "Electric_shaver_toothbrush": Occurrence(
        (212, 9), (0.253, 1.328, 2.08, 2.573, 3.199, 4.068, 5.26, 6.378, 7.332, 8.278, 9.842)
    ),
    "Frying": Occurrence((123, 7), (0.273, 1.217, 2.102, 3.314, 3.903, 5.131, 5.849, 6.983, 8.508, 9.656, 10.0)),
    "Running_water": Occurrence(
        (130, 12, 1), (0.25, 0.661, 1.546, 1.92, 2.807, 3.598, 4.423, 5.258, 6.279, 7.615, 9.997)
    ),
    "Speech": Occurrence(
        (664, 411, 151, 38, 7, 1), (0.25, 0.344, 0.478, 0.613, 0.722, 0.891, 1.181, 1.42, 1.676, 2.214, 9.648)
    ),
    "Vacuum_cleaner": Occurrence((188, 8), (0.323, 1.183, 2.075, 3.17, 4.298, 5.301, 6.349, 7.052, 8.527, 9.903, 10.0)),
}

# Computed from validation/validation.tsv of DCASE 2019 Task 4.
DOMESTIC_REAL: dict[str, Occurrence] = {
    "Alarm_bell_ringing": Occurrence(
        (113, 37, 9, 9, 4, 0, 2, 3, 4, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1),
        (0.25, 0.319, 0.477, 0.564, 0.653, 1.029, 1.474, 1.925, 2.712, 4.884, 10.0),
    ),
    "Blender": Occurrence(
        (68, 11, 0, 0, 0, 1), (0.324, 1.16, 1.746, 2.486, 3.625, 4.624, 5.573, 7.117, 9.977, 10.0, 10.0)
    ),
    "Cat": Occurrence(
        (30, 29, 30, 15, 6, 7, 2, 1, 1), (0.25, 0.325, 0.503, 0.618, 0.742, 0.853, 1.01, 1.208, 1.596, 2.742, 10.0)
    ),
    "Dishes": Occurrence(
        (46, 28, 28, 29, 13, 9, 9, 4, 2, 2, 0, 0, 1),
        (0.25, 0.25, 0.25, 0.251, 0.307, 0.384, 0.482, 0.61, 0.776, 1.082, 10.0),
    ),
    "Dog": Occurrence(
        (32, 34, 24, 23, 23, 4, 10, 3, 1, 3, 2, 1),
        (0.25, 0.259, 0.337, 0.472, 0.629, 0.775, 0.996, 1.286, 1.724, 2.973, 10.0),
    ),
    "Electric_shaver_toothbrush": Occurrence(
        (60, 1, 1), (1.016, 3.328, 4.523, 5.675, 8.806, 9.899, 10.0, 10.0, 10.0, 10.0, 10.0)
    ),
    "Frying": Occurrence((84, 5), (0.43, 3.775, 5.295, 7.869, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Running_water": Occurrence(
        (166, 25, 5, 0, 0, 1), (0.25, 0.987, 2.004, 3.016, 3.823, 4.853, 6.073, 7.45, 9.015, 10.0, 10.0)
    ),
    "Speech": Occurrence(
        (147, 138, 163, 98, 56, 14, 5, 3, 3),
        (0.25, 0.438, 0.606, 0.787, 0.953, 1.145, 1.349, 1.675, 2.194, 3.023, 10.0),
    ),
    "Vacuum_cleaner": Occurrence((90, 1), (0.439, 4.244, 6.49, 8.893, 9.881, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
}

# Clips with 1, 2, ... classes in the same two files, and in train/weak.tsv.
CLASSES_PER_SYNTHETIC_CLIP = (679, 981, 355, 29, 1)
CLASSES_PER_REAL_CLIP = (597, 482, 72, 2)
CLASSES_PER_WEAK_CLIP = (984, 519, 75)

# Clips with each class in train/weak.tsv.
WEAK_CLIPS = {
    "Alarm_bell_ringing": 206,
    "Blender": 134,
    "Cat": 173,
    "Dishes": 184,
    "Dog": 214,
    "Electric_shaver_toothbrush": 103,
    "Frying": 171,
    "Running_water": 345,
    "Speech": 550,
    "Vacuum_cleaner": 167,
}

# Computed from groundtruth_strong_label_testing_set.csv and groundtruth_strong_label_evaluation_set.csv of DCASE 2017
# Task 4 together, without the rows `0 0` of labels that were not heard.
TRAFFIC: dict[str, Occurrence] = {
    "Train horn": Occurrence(
        (42, 29, 8, 6, 1), (0.014, 0.512, 0.825, 0.991, 1.252, 1.625, 2.38, 2.896, 3.783, 5.112, 7.496)
    ),
    "Air horn, truck horn": Occurrence(
        (53, 23, 6, 2, 1, 2), (0.185, 0.439, 0.57, 0.737, 1.08, 1.418, 2.082, 2.891, 5.98, 10.0, 10.0)
    ),
    "Car alarm": Occurrence(
        (72, 7, 3, 1, 1), (0.25, 0.537, 0.87, 1.324, 1.752, 2.709, 4.542, 6.459, 8.232, 9.39, 10.0)
    ),
    "Reversing beeps": Occurrence(
        (61, 7), (0.335, 0.857, 1.384, 2.242, 3.137, 3.784, 4.628, 7.818, 8.977, 9.885, 10.0)
    ),
    "Bicycle": Occurrence(
        (55, 5, 3, 0, 0, 1), (0.241, 0.656, 0.899, 1.492, 2.016, 2.537, 4.446, 7.157, 9.45, 10.0, 10.0)
    ),
    "Skateboard": Occurrence((60, 24, 3, 1), (0.24, 0.75, 1.0, 1.23, 2.0, 2.7, 3.78, 6.0, 7.2, 10.0, 10.0)),
    "Ambulance (siren)": Occurrence((78, 3), (0.452, 2.992, 4.526, 6.97, 8.9, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Fire engine, fire truck (siren)": Occurrence(
        (78, 6, 1), (0.87, 2.212, 3.7, 7.51, 9.28, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)
    ),
    "Civil defense siren": Occurrence((85, 2), (0.7, 5.488, 9.544, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Police car (siren)": Occurrence((90, 6, 1), (0.5, 2.72, 4.08, 6.42, 8.024, 9.2, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Screaming": Occurrence((55, 21, 10, 1, 2), (0.17, 0.7, 1.0, 1.3, 1.56, 1.86, 2.5, 3.5, 4.6, 10.0, 10.0)),
    "Car": Occurrence((244, 35, 3, 4, 0, 1, 1), (0.4, 1.479, 2.45, 3.957, 5.298, 6.924, 8.826, 10.0, 10.0, 10.0, 10.0)),
    "Car passing by": Occurrence(
        (56, 14, 3, 1, 0, 1), (0.54, 1.412, 1.95, 2.413, 2.896, 4.0, 5.097, 8.295, 10.0, 10.0, 10.0)
    ),
    "Bus": Occurrence((77, 5, 1), (0.658, 2.173, 3.13, 7.23, 9.7, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Truck": Occurrence((118, 17, 0, 2), (0.335, 1.756, 3.348, 4.402, 6.653, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Motorcycle": Occurrence((76, 5, 2), (0.65, 3.0, 4.04, 5.693, 8.45, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0)),
    "Train": Occurrence(
        (166, 15, 6, 1, 0, 1), (0.186, 1.486, 2.255, 3.274, 4.742, 6.619, 8.137, 10.0, 10.0, 10.0, 10.0)
    ),
}

# Clips with each class in groundtruth_weak_label_training_set.csv, in the order of sound_event_list_17_classes.txt.
TRAFFIC_TRAINING_CLIPS = {
    "Train horn": 345,
    "Air horn, truck horn": 313,
    "Car alarm": 180,
    "Reversing beeps": 245,
    "Bicycle": 1897,
    "Skateboard": 1516,
    "Ambulance (siren)": 524,
    "Fire engine, fire truck (siren)": 2288,
    "Civil defense siren": 1409,
    "Police car (siren)": 2364,
    "Screaming": 636,
    "Car": 25077,
    "Car passing by": 3598,
    "Bus": 3617,
    "Truck": 6885,
    "Motorcycle": 3162,
    "Train": 2075,
}

# For each class the one that most often shares a clip with it, where at least 5 % do: clips with both, clips
# with the class. Computed from groundtruth_weak_label_testing_set.csv and groundtruth_weak_label_evaluation_set.csv.
TRAFFIC_COMPANIONS = {
    "Train horn": ("Train", 68, 90),
    "Air horn, truck horn": ("Train", 6, 88),
    "Car alarm": ("Car", 16, 89),
    "Reversing beeps": ("Truck", 49, 89),
    "Ambulance (siren)": ("Police car (siren)", 35, 92),
    "Fire engine, fire truck (siren)": ("Police car (siren)", 36, 94),
    "Civil defense siren": ("Police car (siren)", 5, 90),
    "Police car (siren)": ("Fire engine, fire truck (siren)", 36, 97),
    "Car": ("Car passing by", 44, 325),
    "Car passing by": ("Car", 44, 92),
    "Bus": ("Car", 6, 89),
    "Truck": ("Reversing beeps", 49, 160),
    "Train": ("Train horn", 68, 204),
}

# Share of clips shorter than 9.99 s in duration_of_files_in_training_set.csv, and the quantiles of their lengths (s).
SHORT_SHARE = 0.21
SHORT_LENGTHS = (1.0, 8.957, 9.057, 9.154, 9.269, 9.389, 9.509, 9.607, 9.718, 9.847, 9.99)
