"""Write a trained run into one file."""


def add_arguments(parser):
    pass


def needs_configuration(options):
    return True


def run(options, config):
    """Later."""
