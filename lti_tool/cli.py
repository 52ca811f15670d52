"""The `milepost` command. Exit codes: 0 done, 1 refused or invalid, 2 wrong usage."""

from __future__ import annotations

from importlib.metadata import version

import click

from lti_tool.commands.access import admin
from lti_tool.commands.badges import badge
from lti_tool.commands.catalogue import framework, issuer, micro_credential
from lti_tool.commands.database import db
from lti_tool.commands.demo import demo
from lti_tool.commands.doctor import doctor
from lti_tool.commands.keyring import keys
from lti_tool.commands.organisations import organisation, role
from lti_tool.commands.platforms import platform
from lti_tool.commands.serving import serve, worker


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("milepost"), prog_name="milepost")
def main() -> None:
    """Milepost: evidence of teaching practice, read by colleagues, kept as verifiable badges."""


for command in (
    serve,
    worker,
    demo,
    db,
    doctor,
    platform,
    organisation,
    role,
    admin,
    issuer,
    micro_credential,
    framework,
    keys,
    badge,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
