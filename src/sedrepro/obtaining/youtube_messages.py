"""What yt-dlp says when a video cannot be had, and what follows from it."""

import re

ROBOT, NO_FFMPEG, NO_YT_DLP = "blocked as a robot", "ffmpeg missing", "yt-dlp missing"
TOO_OLD, NO_SPACE = "yt-dlp too old", "no space left"
NETWORK, TOO_LONG, BROKE_OFF, OUTDATED = "network", "took too long", "yt-dlp broke off", "yt-dlp out of date"
OTHER, AFTER_THE_END = "other", "segment lies after the end of the video"

# The first pattern found names the reason. yt-dlp repeats what YouTube answers, where apostrophes vary.
PATTERNS = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        (ROBOT, r"not a bot|HTTP Error 429|too many requests|rate-limited|available, try again later|captcha"),
        (NO_FFMPEG, r"(ffmpeg|ffprobe) (is )?not (found|installed)"),
        (NO_YT_DLP, r"No module named '?yt_dlp"),
        (TOO_OLD, r"error: no such option"),
        (NO_SPACE, r"No space left on device|Disk quota exceeded"),
        ("age-restricted", r"confirm your age|age-restricted|inappropriate for some"),
        ("blocked in country", r"(in|from) your (country|location|region)"),
        ("private", r"private video|video is private|members-only|channel's members|granted access"),
        ("removed", r"has been removed|no longer available|account.{0,60}(terminated|closed)|copyright|violating"),
        (
            NETWORK,
            r"failed to resolve|name resolution|not known|getaddrinfo|timed out|connection (reset|refused|aborted)|"
            r"unreachable|remote end closed|HTTP Error 5\d\d|incomplete ?read|\bproxy\b|\bSSL|TransportError|"
            r"bytes read|any data blocks|fragment.*not found|please try again later",
        ),
        (
            OUTDATED,
            r"format is not available|only images|page needs to be reloaded|HTTP Error 403|please report this issue|"
            r"latest version",
        ),
        ("unavailable", r"video unavailable|(video|content) (is not|isn.{0,3}t) available|does not exist"),
    )
)
# The video may be there all the same: the next call tries again.
TEMPORARY = {NETWORK, TOO_LONG, BROKE_OFF, OUTDATED}
# Every further download would fail as well: the run stops, and no clip is marked as failed.
ADVICE = {
    ROBOT: "YouTube takes this computer for a robot; wait some hours and pause longer, or give --cookies FILE",
    NO_FFMPEG: "yt-dlp finds no ffmpeg; install ffmpeg",
    NO_YT_DLP: 'yt-dlp is missing; pip install "yt-dlp[default]" (it needs ffmpeg and a JavaScript runtime, deno)',
    TOO_OLD: 'yt-dlp is too old; pip install --upgrade "yt-dlp[default]"',
    NO_SPACE: "no space left for downloads beside the journal; free space",
}
UPGRADE = 'look at the network, or pip install --upgrade "yt-dlp[default]"'


def classify(errors: str) -> str:
    """The reason why yt-dlp failed, from what it wrote to its standard error."""
    return next((reason for reason, pattern in PATTERNS if pattern.search(errors)), OTHER)
