"""What goes wrong with the embedded servers, in words for the person who started them."""


class EngineError(Exception):
    """The server cannot start or does not answer. The message says what to do."""
