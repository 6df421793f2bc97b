"""mdm-bridge: inventory, app catalogues and loans on top of a distant MDM server."""

__version__ = "0.1.0"
