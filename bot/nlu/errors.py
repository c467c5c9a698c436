"""What can go wrong with the classifier."""


class NluError(Exception):
    """The classifier cannot do what was asked."""


class NothingToLearn(NluError):
    """There is no question to learn from."""


class UnreadableModel(NluError):
    """The file is not a classifier of this version."""
