"""Changes of the schema, one module each; run by ``mdm_bridge.storage.upgrade``."""
