"""Hints for web hosts: content types, and the forms that a static folder cannot choose itself."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_HEADERS = """\
# Read by hosts that take a _headers file (Netlify, Cloudflare Pages). Others: hosting/README.txt.
/*
  Access-Control-Allow-Origin: *
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
/keys/*
  Content-Type: application/json
/issuers/*/did.json
  Content-Type: application/did+json
/issuers/*/image
  Content-Type: image/png
/credentials/*.json
  Content-Type: application/vc+ld+json
/credentials/*.jwt
  Content-Type: text/plain
/credentials/*.pdf
  Content-Type: application/pdf
/credentials/*/refresh
  Content-Type: application/vc+ld+json
/endorsements/*.json
  Content-Type: application/vc+ld+json
/endorsements/*.jwt
  Content-Type: text/plain
/ob2/classes/*
  Content-Type: application/ld+json
/ob2/issuers/*
  Content-Type: application/ld+json
"""

_NGINX = """\
# A server for this folder with nginx. Put the folder's path and your certificate in.
# The map gives wallets the signed document where a browser gets the page.
map $http_accept $milepost_form {{
    default            json;
    "~*text/html"      page;
    "~*application/(vc\\+)?jwt"  jwt;
}}

server {{
    listen 443 ssl;
    server_name {host};
    root /var/www/milepost-export;
    index index.html;
    error_page 404 /404.html;

    types {{
        text/html html;
        text/css css;
        text/javascript js;
        image/png png;
        image/svg+xml svg;
        application/pdf pdf;
        application/vc+ld+json json;
        text/plain jwt txt;
    }}
    default_type application/json;
    add_header Access-Control-Allow-Origin * always;
    add_header X-Content-Type-Options nosniff always;

    location ~ /did\\.json$ {{ types {{ }} default_type application/did+json; }}
    location ~ "^/issuers/[a-z0-9-]+/image$" {{ types {{ }} default_type image/png; }}
    location /keys/ {{ types {{ }} default_type application/json; }}
    location ~ "^/ob2/[a-z]+/[a-z0-9-]+$" {{ types {{ }} default_type application/ld+json; }}

    location ~ "^/status/[0-9a-f-]{{36}}$" {{
        types {{ }}
        default_type application/vc+ld+json;
        if ($milepost_form = jwt) {{ rewrite ^ $uri.jwt last; }}
    }}
    location ~ "^/(credentials|endorsements)/[0-9a-f-]{{36}}/?$" {{
        if ($milepost_form = json) {{ rewrite "^(/[a-z]+/[0-9a-f-]+)/?$" $1.json last; }}
        if ($milepost_form = jwt) {{ rewrite "^(/[a-z]+/[0-9a-f-]+)/?$" $1.jwt last; }}
    }}
    location ~ "^/credentials/[0-9a-f-]{{36}}/refresh$" {{
        types {{ }}
        default_type application/vc+ld+json;
        if ($milepost_form = jwt) {{ rewrite "^(/credentials/[0-9a-f-]+)/refresh$" $1.jwt last; }}
    }}
    location ~ "^/(achievements/[0-9a-f-]{{36}}|issuers/[a-z0-9-]+)/?$" {{
        if ($milepost_form = json) {{ rewrite ^/([a-z]+/[a-z0-9-]+)/?$ /$1.json last; }}
    }}
}}
"""

_README = """\
This folder is {origin}, as far as strangers need it, without the program that issued the badges.

Put it at the root of {origin}, over https. Badges name that address for ever: their issuers'
keys and their status lists are asked for there, so a folder below another address is a copy to look
at, not a place where other programs find the issuer.

What is where
  issuers/<name>/did.json     an issuer's keys (did:web); its logo, a PNG, in <name>/image
  keys/<kid>                  one key, as tokens name it
  status/<id>, <id>.jwt       which badges were revoked, as signed JSON and as a token
  achievements/<id>.json      what a badge stands for; its page and image in <id>/
  credentials/<id>.json, .jwt, .png, .svg   the signed badge; its page in <id>/
  credentials/<id>.pdf        its certificate to print, unless left out
  endorsements/<id>.json, .jwt              what others say of it; its page in <id>/
  ob2/                        the same badges for programs that read Open Badges 2.0
  verify/                     checks a badge in the browser
  SHA256SUMS                  every file's digest: sha256sum -c SHA256SUMS

Content types
  Files in keys/, status/ and ob2/ have no ending. Any type works for most programs; right are
  application/json for keys/, application/vc+ld+json for status/ and credentials/*.json,
  application/ld+json for ob2/, application/did+json for did.json, text/plain for .jwt. The file
  _headers says so to hosts that read one, hosting/nginx.conf to nginx. Every file should be sent
  with "Access-Control-Allow-Origin: *", so that verifiers on other sites may read it.

Revocation
  A status list says what was revoked when this folder was written. It has no end, so that badges
  outlive their issuer. While badges are still issued or revoked, write the folder anew at least
  once a day, and after every revocation.
"""


def documents(origin: str, lists: Sequence[str]) -> dict[str, str]:
    """The hints by path, for `origin` and the ids of its status lists."""
    status = "".join(
        f"/status/{name}\n  Content-Type: application/vc+ld+json\n"
        f"/status/{name}.jwt\n  Content-Type: application/vc+jwt\n"
        for name in lists
    )
    return {
        "_headers": _HEADERS + status,
        ".nojekyll": "",
        "hosting/nginx.conf": _NGINX.format(host=urlsplit(origin).hostname),
        "hosting/README.txt": _README.format(origin=origin),
    }
