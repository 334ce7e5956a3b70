"""The settings of the address of the service, for the command that listens and those that ask."""

from readwatch.cli.option_types import WholeNumber
from readwatch.cli.settings import setting

host_setting = setting(
    "--host", default="127.0.0.1", show_default=True, help="Address of the service."
)
port_setting = setting(
    "--port",
    type=WholeNumber(0, 65535),
    default=8765,
    show_default=True,
    help="Port of the service; serve chooses a free one for 0.",
)
