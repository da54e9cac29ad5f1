"""The network of the C-SSED paper (Liu et al. 2020): the CRNN of the official baselines, Sections 2.1 and 2.3.1."""

from functools import partial

from sedrepro.nn.crnn import Crnn
from sedrepro.nn.output import Network, chosen_network


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system; its losses are those of its training method.

    Raises:
        SettingsError: there is no such network or pooling (names the nearest).
        TypeError: an argument is unknown to the network.
        ValueError: the features are too small for the network's poolings.
    """
    builders = {"crnn": partial(Crnn, classes, frames, mels)}
    return chosen_network(builders, network, arguments)
