"""What may watch routing decide."""


class RoutingObserver:
    """Is told of what goes wrong while records have their effect. This one does nothing with it."""

    def wrong_reader(self) -> None:
        """What is for one force was about to go to another, and was stopped."""

    def command_refused(self, code: str) -> None:
        """An officer's command had no effect."""

    def response_rejected(self, code: str) -> None:
        """A force's record was not in order."""


NOBODY = RoutingObserver()
