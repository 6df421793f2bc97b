"""Programs for those who build mdm-bridge; not part of the package."""
