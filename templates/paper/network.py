"""The networks of the paper (authors, year), Section so and so."""

from functools import partial

from sedrepro.nn.masking import MaskNetwork
from sedrepro.nn.output import Network, chosen_network


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system; it has no auxiliary losses.

    A network maps (batch, frame, mel) to `sedrepro.nn.output.Output`. One of your own is a class derived from
    `Network` in this file; layers that other papers need too go to `sedrepro.nn`.

    Raises:
        SettingsError: there is no such network (names the nearest).
        TypeError: an argument is unknown to the network.
    """
    builders = {"vgg_like": partial(MaskNetwork, classes)}
    return chosen_network(builders, network, arguments)
