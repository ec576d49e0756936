"""What can go wrong in the studio, named after what happened.

GenerativeError
 ├── ProviderUnavailable   a provider whose library or weights are missing: the next one is asked
 ├── UnsafeImage           a picture that is no picture, too large, or from where it may not come
 ├── UnknownCampaign       a campaign id that no row holds
 ├── UnknownCreative       a creative key that no row holds
 └── CampaignClosed        a change asked of a campaign that is finished or cancelled
"""


class GenerativeError(Exception):
    """The base of every error this package raises on purpose."""


class ProviderUnavailable(GenerativeError):
    """A provider that cannot run here; the message says what is missing and how to get it."""


class UnsafeImage(GenerativeError):
    """A picture that must not be opened; the message says why."""


class UnknownCampaign(GenerativeError):
    def __init__(self, campaign_id: str) -> None:
        super().__init__(f"no campaign {campaign_id!r}; GET /campaigns lists them")
        self.campaign_id = campaign_id


class UnknownCreative(GenerativeError):
    def __init__(self, key: str) -> None:
        super().__init__(f"no creative {key!r}; it expired or was never asked for")
        self.key = key


class CampaignClosed(GenerativeError):
    """The campaign is finished or cancelled and takes no more changes."""
