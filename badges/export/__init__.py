"""Everything strangers need when the installation is gone, as a folder for any static web host.

DID documents, keys, status lists, achievements, published credentials in every form, and a page
that verifies them in the browser. `export_static` writes it.
"""

from badges.export.folder import ForeignFolderError
from badges.export.service import Summary, export_static

__all__ = ["ForeignFolderError", "Summary", "export_static"]
