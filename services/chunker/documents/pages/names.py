"""The names of classes and ids that say what an element is: kinds of what is left out, each with its reason."""

from __future__ import annotations

import re
from typing import Final

FURNITURE: Final = "menus, footers and what else is not the article"
HIDDEN: Final = "the page does not show it"
EMBEDDED: Final = "a video or another page inside the page is no text"


def _pattern(parts: str, alone: str) -> re.Pattern[str]:
    """Names that say so as a part of a longer name, and names that say so only alone."""
    inside = "|".join(sorted(map(re.escape, parts.split()), key=len, reverse=True))
    whole = "|".join(sorted(map(re.escape, alone.split()), key=len, reverse=True))
    return re.compile(rf"(?:^|-)(?:{inside})(?:-|$)|^(?:{whole})$")


KINDS: Final = (
    (
        "consent notice",
        "it asks for a click, not for a listener",
        _pattern(
            "cookie cookies gdpr dsgvo onetrust cookiebot cookieconsent cookiebanner cookielaw cc-window",
            "consent cmp privacy-banner privacy-notice",
        ),
    ),
    (
        "share buttons",
        "buttons are for clicking",
        _pattern(
            """sharedaddy sharebar sharebuttons addthis addtoany sharethis shariff a2a social-share social-sharing
            share-buttons share-links share-bar social-media social-links social-icons social-buttons socialmedia
            sharing-buttons""",
            "share shares sharing social socials social-bar social-nav share-this share-box share-tools",
        ),
    ),
    ("embedded media", EMBEDDED, _pattern("instagram-media tiktok-embed", "fb-post fb-video")),
    (
        "comments",
        "they are by others than the author",
        _pattern(
            """commentlist comment-list comments-area comment-respond comment-form disqus livefyre fb-comments
            comments-section comment-section comments-wrapper comments-list comment-thread""",
            "comments comment respond commentarea comments-title no-comments",
        ),
    ),
    (
        "teasers",
        "they lead to other pages",
        _pattern(
            """related-posts related-articles related-stories related-content related-links related-news
            jp-relatedposts yarpp more-stories more-articles more-posts outbrain taboola most-read most-popular
            most-viewed popular-posts recent-posts read-next read-also upsell crosssell teaser-list article-teaser
            recommendations related-topics widget-recent relatedposts relatedarticles teaserlist teaserbox teaser-box
            verwandte-artikel""",
            "related recommended trending teaser teasers promo readmore read-more more-link",
        ),
    ),
    (
        "newsletter",
        "it asks for a mail address",
        _pattern(
            "newsletter newsletter-signup mc-embed mailchimp email-signup subscribe-form subscribe-box",
            "signup subscribe subscription",
        ),
    ),
    (
        "paywall notice",
        "it asks for money",
        _pattern(
            "paywall regwall subscription-prompt subscription-offer subscription-wall meteredcontent",
            "piano paywalled paid-content-notice",
        ),
    ),
    (
        "about the author",
        "it is about the author, not what the author wrote",
        _pattern(
            """author-bio author-box author-description about-author about-the-author author-info authorbox
            post-author-box""",
            "bio biography",
        ),
    ),
    (
        "page furniture",
        FURNITURE,
        _pattern(
            """breadcrumb breadcrumbs pagination post-navigation nav-links site-header site-footer site-nav
            site-navigation skip-link skip-links skip-nav skip-to-content widget-area screen-reader-text sr-only
            visually-hidden visuallyhidden edit-link back-to-top backtotop print-only print-link advertisement
            banner-ad navbar side-nav sidenav entry-tags tag-list tags-links cat-links entry-footer post-meta
            entry-meta article-meta page-navigation""",
            """pager navigation sidebar side-bar footer toolbar ads ad advert sponsored nav menu topnav tags credits
            copyright mainmenu main-menu submenu sub-menu sidebar-left sidebar-right left-sidebar right-sidebar
            date-header""",
        ),
    ),
)
"""Kind, reason, pattern of the names in lower case with hyphens."""
