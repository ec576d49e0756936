"""What can go wrong in the studio, named after what happened.

GenerativeError
 ├── ProviderUnavailable   a provider that cannot write now or here: the next one is asked
 │    └── NotAsked         it rests after failures, or the day's budget is spent
 ├── SigningUnavailable    pictures cannot be signed here: they are marked by XMP alone
 ├── NotReproducible       a made picture of which too little was kept to make it again
 ├── ModelUnavailable      weights that could not be fetched, or are not what they should be
 ├── UnsafeImage           a picture that is no picture, too large, or from where it may not come
 ├── UnknownVoice          a fine-tuned voice that is not on disk
 ├── CorruptVoice          a fine-tuned voice whose adapter is not what was published
 ├── TooLittleToLearn      too few sound pairs to fine-tune a voice on
 ├── UnknownCampaign       a campaign id that no row holds
 ├── UnknownCreative       a creative key that no row holds
 ├── UnknownBrandVersion   a number of a brand kit that no row holds
 ├── BrandConflict         a brand kit based on one that is not in force any more
 └── CampaignClosed        a change asked of a campaign that is finished or cancelled
"""


class GenerativeError(Exception):
    """The base of every error this package raises on purpose."""


class ProviderUnavailable(GenerativeError):
    """A provider that cannot run here; the message says what is missing and how to get it."""


class SigningUnavailable(GenerativeError):
    """No library, key or valid certificate to sign with; the message says which, and what to do."""


class NotReproducible(GenerativeError):
    """A picture that cannot be made again; the message says what is missing."""


class ModelUnavailable(GenerativeError):
    """Weights that could not be fetched or do not match their checksum; the message says which."""


class NotAsked(ProviderUnavailable):
    """A provider that was spared or saved: no call was made, so it is no failure of its own."""


class UnsafeImage(GenerativeError):
    """A picture that must not be opened; the message says why."""


class UnknownVoice(GenerativeError):
    def __init__(self, voice_id: str) -> None:
        super().__init__(f"no voice {voice_id!r} on disk")
        self.voice_id = voice_id


class CorruptVoice(GenerativeError):
    """A voice that cannot be trusted; the message says why. The one before keeps writing."""


class TooLittleToLearn(GenerativeError):
    """The message says how many pairs there are and how many it takes."""


class UnknownCampaign(GenerativeError):
    def __init__(self, campaign_id: str) -> None:
        super().__init__(f"no campaign {campaign_id!r}; GET /campaigns lists them")
        self.campaign_id = campaign_id


class UnknownCreative(GenerativeError):
    def __init__(self, key: str) -> None:
        super().__init__(f"no creative {key!r}; it expired or was never asked for")
        self.key = key


class UnknownBrandVersion(GenerativeError):
    def __init__(self, version: int) -> None:
        super().__init__(f"no brand kit {version}; GET /brand/versions lists them")
        self.version = version


class BrandConflict(GenerativeError):
    def __init__(self, based_on: int, newest: int) -> None:
        super().__init__(f"brand kit {newest} is in force, not {based_on}: look at it, then save")
        self.newest = newest


class CampaignClosed(GenerativeError):
    """The campaign is finished or cancelled and takes no more changes."""
